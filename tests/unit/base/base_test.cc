#include "base/beside.h"
#include "base/byte_reader.h"
#include "base/clock.h"
#include "base/net_addr.h"
#include "base/outcome.h"
#include "base/rare.h"
#include "base/sha256.h"
#include "base/small_list.h"
#include "base/text_cursor.h"
#include "base/utf8.h"
#include "support/catch.h"

#include <stdexcept>
#include <thread>

using namespace ssnap::base;
using namespace std::string_view_literals;

TEST_CASE("ByteReader reads both byte orders and never past the end") {
  ByteReader little("\x01\x02\x03\x04\x05"sv, ByteOrder::little);
  CHECK(little.u16() == 0x0201);
  CHECK(little.u16_network() == 0x0304);
  CHECK(little.u16() == std::nullopt);
  CHECK(little.remaining() == 1);
  CHECK(little.u8() == 5);
  CHECK(little.at_end());
  ByteReader big("\x01\x02\x03\x04\x05\x06\x07\x08"sv, ByteOrder::big);
  CHECK(big.u64() == 0x0102030405060708u);
}

TEST_CASE("integers are read from where no integer could lie") {
  const char bytes[] = "\xff\x01\x02\x03\x04\x05\x06\x07\x08";
  CHECK(load<std::uint8_t>(bytes + 1, ByteOrder::big) == 0x01);
  CHECK(load<std::uint16_t>(bytes + 1, ByteOrder::little) == 0x0201);
  CHECK(load<std::uint16_t>(bytes + 1, ByteOrder::big) == 0x0102);
  CHECK(load<std::uint32_t>(bytes + 1, ByteOrder::little) == 0x04030201);
  CHECK(load<std::uint32_t>(bytes + 1, ByteOrder::big) == 0x01020304);
  CHECK(load<std::uint64_t>(bytes + 1, ByteOrder::little) == 0x0807060504030201);
  CHECK(load<std::uint64_t>(bytes + 1, ByteOrder::big) == 0x0102030405060708);
}

TEST_CASE("integers consume their whole field") {
  CHECK(parse_integer<std::uint8_t>("255") == 255);
  CHECK(parse_integer<std::uint8_t>("256") == std::nullopt);
  CHECK(parse_integer<std::uint32_t>("12x") == std::nullopt);
  CHECK(parse_integer<std::uint32_t>("") == std::nullopt);
  CHECK(parse_integer<std::uint32_t>("-1") == std::nullopt);
  CHECK(parse_integer<std::uint32_t>(" 1") == std::nullopt);
  CHECK(parse_integer<std::int32_t>("-1") == -1);
  CHECK(parse_integer<std::uint32_t>("0A", 16) == 10);
}

TEST_CASE("lines keep their offsets and say when the last is cut") {
  LineReader lines("a\n\nlast");
  auto line = lines.next();
  CHECK(line->text == "a");
  line = lines.next();
  CHECK(line->text.empty());
  CHECK(line->offset == 2);
  line = lines.next();
  CHECK(line->text == "last");
  CHECK_FALSE(line->complete);
  CHECK_FALSE(lines.next());
}

TEST_CASE("a file whose first line ends in CRLF loses every CR at the end of a line, where that is asked for") {
  const auto all = [](std::string_view text, LineEnd end) {
    LineReader lines(text, end);
    std::string out;
    while (const auto line = lines.next()) out += std::to_string(line->offset) + "[" + std::string(line->text) + "]" + (line->complete ? "" : "...");
    return out;
  };
  CHECK(all("a\r\nb\nc\r\r\n\r\nd\r", LineEnd::as_first_line) == "0[a]3[b]5[c\r]9[]11[d]...");
  CHECK(all("a\r\nb\r\n", LineEnd::newline) == "0[a\r]3[b\r]");
  CHECK(all("a\nb\r\n", LineEnd::as_first_line) == "0[a]2[b\r]");
  CHECK(all("\nb\r\n", LineEnd::as_first_line) == "0[]1[b\r]");
  CHECK(all("b\r", LineEnd::as_first_line) == "0[b\r]...");
}

TEST_CASE("of a line without its end the last word may lack its own") {
  CHECK(whole_words({"12 34", 0, true}) == "12 34");
  CHECK(whole_words({"12 34", 0, false}) == "12 ");
  CHECK(whole_words({"12\t34 ", 0, false}) == "12\t34 ");
  CHECK(whole_words({"12", 0, false}).empty());
  CHECK(whole_words({"", 0, false}).empty());
}

TEST_CASE("addresses print as inet_ntop prints them") {
  const auto v6 = [](std::string_view bytes) { return IpAddress::v6(bytes).to_string(); };
  CHECK(IpAddress::v4("\x7f\0\0\x01"sv).to_string() == "127.0.0.1");
  CHECK(v6("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv) == "::");
  CHECK(v6("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv) == "::1");
  CHECK(v6("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01"sv) == "::ffff:10.0.0.1");
  CHECK(v6("\0\0\0\0\0\0\0\0\0\0\0\0\x0a\0\0\x01"sv) == "::10.0.0.1");
  CHECK(v6("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv) == "fe80::1");
  CHECK(v6("\x20\x01\x0d\xb8\0\0\0\x01\0\x01\0\x01\0\x01\0\x01"sv) == "2001:db8:0:1:1:1:1:1");
  CHECK(v6("\x20\x01\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01"sv) == "2001:0:0:1::1");
  CHECK(v6("\x20\x01\0\x01\0\x01\0\x01\0\x01\0\x01\0\0\0\0"sv) == "2001:1:1:1:1:1::");
  CHECK(IpAddress::v6("\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\x01"sv).unmapped().to_string() == "10.0.0.1");
  CHECK(IpAddress{}.to_string().empty());
}

TEST_CASE("times are RFC 3339 in UTC") {
  CHECK(rfc3339_utc(0, 0) == "1970-01-01T00:00:00Z");
  CHECK(rfc3339_utc(1'795'290'127'123'456'789, 3) == "2026-11-21T19:42:07.123Z");
  CHECK(rfc3339_utc(-1, 9) == "1969-12-31T23:59:59.999999999Z");
  // Whose midnights are beyond 64 bits.
  CHECK(rfc3339_utc(INT64_MIN, 9) == "1677-09-21T00:12:43.145224192Z");
  CHECK(rfc3339_utc(INT64_MAX, 9) == "2262-04-11T23:47:16.854775807Z");
}

TEST_CASE("SHA-256 may be asked in the middle of a run") {
  Sha256 hash;
  CHECK(hash.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  hash.update("ab");
  (void)hash.digest();
  hash.update("c");
  CHECK(hash.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("UTF-8 is strict") {
  CHECK(decode_utf8("a")->value == 'a');
  CHECK(decode_utf8("\xe2\x82\xac!")->value == 0x20ac);
  CHECK(decode_utf8("\xe2\x82\xac!")->length == 3);
  CHECK_FALSE(decode_utf8("\xff"));
  CHECK_FALSE(decode_utf8("\xc0\x80"));      // overlong
  CHECK_FALSE(decode_utf8("\xed\xa0\x80"));  // surrogate
  CHECK_FALSE(decode_utf8("\xe2\x82"));      // cut
  CHECK_FALSE(decode_utf8("\xf5\x80\x80\x80"));
}

TEST_CASE("outcomes have a name each way and errnos a kind") {
  CHECK(outcome_from_name(outcome_name(OutcomeKind::not_loaded)) == OutcomeKind::not_loaded);
  CHECK(outcome_from_name("nonsense") == std::nullopt);
  CHECK(outcome_of_errno(13) == OutcomeKind::denied);
  CHECK(outcome_of_errno(3) == OutcomeKind::vanished);
  CHECK(outcome_of_errno(9999) == OutcomeKind::cut);
  CHECK(errno_name(13) == "EACCES");
}

TEST_CASE("times that 64 bits don't hold are absent, not wrapped") {
  CHECK(add_times(INT64_MAX, 1) == std::nullopt);
  CHECK(subtract_times(INT64_MIN, 1) == std::nullopt);
  CHECK(multiply_time(INT64_MAX, 2) == std::nullopt);
  CHECK(add_times(40, 2) == 42);
  CHECK(subtract_times(40, 42) == -2);
  CHECK(multiply_time(-3, kNsecPerSec) == -3'000'000'000);
}

TEST_CASE("a small list is a list, within and beyond what it holds in itself") {
  SmallList<std::uint32_t, 2> list;
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < 9; ++i) {
    CHECK(list == expected);
    auto copy = list;
    CHECK(copy == expected);
    auto moved = std::move(copy);
    CHECK(moved == expected);
    CHECK(copy.empty());
    copy = moved;
    CHECK(copy == expected);
    moved.clear();
    moved = std::move(copy);
    CHECK(moved == expected);
    moved.insert(moved.begin(), 77);
    CHECK(moved.size() == expected.size() + 1);
    CHECK(moved.front() == 77);
    moved.erase(moved.begin(), moved.begin() + 1);
    CHECK(moved == expected);
    list.push_back(i * 3);
    expected.push_back(i * 3);
    CHECK(list.back() == i * 3);
  }
}

TEST_CASE("a rare part reads as its default until it is written to, and is copied as a value") {
  struct Part {
    int number = 7;
    std::string text;
  };
  Rare<Part> part;
  CHECK(part->number == 7);
  CHECK(sizeof part == sizeof(void*));
  Rare<Part> copy = part;
  copy.make().text = "own";
  CHECK(copy->number == 7);
  CHECK(part->text.empty());
  part = copy;
  copy.make().text = "other";
  CHECK((*part).text == "own");
  part = Part{1, "whole"};
  const Part& whole = part;
  CHECK(whole.number == 1);
  const Rare<Part> moved = std::move(part);
  CHECK(moved->text == "whole");
}

TEST_CASE("work beside gives its result and its error") {
  CHECK(beside([] { return 5; }).get() == 5);
  const auto here = std::this_thread::get_id();
  CHECK(beside([] { return std::this_thread::get_id(); }).get() != here);
  CHECK(beside([] { return std::this_thread::get_id(); }, false).get() == here);
  auto failing = beside([]() -> int { throw std::runtime_error("work"); });
  CHECK_THROWS_WITH(failing.get(), "work");
}
