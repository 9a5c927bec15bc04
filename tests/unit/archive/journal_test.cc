// The archive's own files: journal, capture.json, end.json, manifest.
#include "archive/journal.h"

#include "archive/capture_info.h"
#include "archive/manifest.h"
#include "sample.h"
#include "support/catch.h"

using namespace ssnap;
using namespace ssnap::archive;
using namespace std::string_literals;

namespace {

// `text` with the first `from` replaced.
std::string with(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

ChainLink sample_link() {
  ChainLink link;
  link.part = 3;
  link.frames_begin = 100;
  link.frames_end = 18'446'744'073'709'551'615u;
  link.frames_sha256 = std::string(64, 'a');
  link.previous_part_sha256 = std::string(64, 'b');
  link.realtime_offset_nsec = -5;
  return link;
}

JournalEntry sample_entry() {
  JournalEntry entry;
  entry.source = "inet_diag";
  entry.member = "netns/1/netlink/pass1/odd\xff\\name";
  entry.outcome = base::OutcomeKind::not_loaded;
  entry.errno_number = 2;
  entry.begin_nsec = 1;
  entry.end_nsec = 18'446'744'073'709'551'615u;
  entry.netns = 4026531840;
  entry.pass = 1;
  entry.pid = 4711;
  entry.tid = 4712;
  entry.bytes = 0;
  entry.count = 7;
  entry.detail = "tcp_diag \"is\" not there\n";
  return entry;
}

}  // namespace

TEST_CASE("journal lines come back as they were") {
  const std::string text = to_json_line(sample_link()) + to_json_line(sample_entry()) + to_json_line(JournalEntry{});
  const auto part = parse_journal(text);
  CHECK(part.problems.empty());
  REQUIRE(part.link);
  CHECK(to_json_line(*part.link) == to_json_line(sample_link()));
  REQUIRE(part.entries.size() == 2);
  CHECK(to_json_line(part.entries[0]) == to_json_line(sample_entry()));
  CHECK(part.entries[0].member == sample_entry().member);
  CHECK(part.entries[0].bytes == 0);
  CHECK(part.entries[0].end_nsec == sample_entry().end_nsec);
  CHECK_FALSE(part.entries[1].pid);
  CHECK_FALSE(part.entries[1].netns);
  CHECK(part.entries[1].errno_number == 0);
}

TEST_CASE("every prefix of a journal gives its whole lines and says that it is cut") {
  const std::string chain = to_json_line(sample_link()), entry = to_json_line(sample_entry());
  const std::string text = chain + entry + entry;
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto part = parse_journal(std::string_view(text).substr(0, length));
    const std::size_t lines = (length >= chain.size() ? (length - chain.size()) / entry.size() : 0);
    REQUIRE(part.entries.size() == lines);
    REQUIRE(part.link.has_value() == (length >= chain.size()));
    const bool at_edge = length >= chain.size() && (length - chain.size()) % entry.size() == 0;
    REQUIRE(part.problems.empty() == at_edge);
  }
}

TEST_CASE("a corrupted field of a journal line costs that line only") {
  const std::string chain = to_json_line(sample_link()), entry = to_json_line(sample_entry());
  const std::pair<const char*, const char*> entry_rows[] = {
      {"\"source\":\"inet_diag\"", "\"source\":7"},
      {"\"source\":\"inet_diag\",", ""},
      {"\"outcome\":\"not-loaded\"", "\"outcome\":\"fine\""},
      {"\"outcome\":\"not-loaded\",", ""},
      {"\"errno\":2", "\"errno\":-2"},
      {"\"errno\":2", "\"errno\":99999"},
      {"\"errno\":2", "\"errno\":2.5"},
      {"\"begin_nsec\":1", "\"begin_nsec\":-1"},
      {"\"begin_nsec\":1,", ""},
      {"\"end_nsec\":18446744073709551615", "\"end_nsec\":\"1\""},
      {"\"netns\":4026531840", "\"netns\":null"},
      {"\"pass\":1", "\"pass\":4294967296"},
      {"\"pid\":4711", "\"pid\":-1"},
      {"\"tid\":4712", "\"tid\":[]"},
      {"\"bytes\":0", "\"bytes\":true"},
      {"\"count\":7", "\"count\":{}"},
      {"\"detail\":\"", "\"detail\":\"\\\\q"},
      {"\"member\":\"", "\"member\":\"\\\\x0"},
      {"\"type\":\"read\"", "\"type\":1"},
      {"\"type\":\"read\",", ""},
      {"{", "["},
      {"{", "{{"},
  };
  for (const auto& [from, to] : entry_rows) {
    CAPTURE(from, to);
    const auto part = parse_journal(chain + with(entry, from, to) + entry);
    CHECK(part.entries.size() == 1);
    CHECK(part.problems.total == 1);
    CHECK(part.problems.kept[0].offset == chain.size());
  }
  const std::pair<const char*, const char*> chain_rows[] = {
      {"\"part\":3", "\"part\":-3"},
      {"\"part\":3", "\"part\":4294967296"},
      {"\"part\":3,", ""},
      {"\"frames_begin\":100,", ""},
      {"\"frames_begin\":100", "\"frames_begin\":\"100\""},
      {"\"frames_end\":18446744073709551615", "\"frames_end\":99"},
      {"aaaa\"", "aaa\""},
      {"aaaa\"", "aaaA\""},
      {"bbbb\"", "bbb\""},
      {"\"realtime_offset_nsec\":-5", "\"realtime_offset_nsec\":18446744073709551615"},
  };
  for (const auto& [from, to] : chain_rows) {
    CAPTURE(from, to);
    const auto part = parse_journal(with(chain, from, to) + entry);
    CHECK_FALSE(part.link);
    CHECK(part.entries.size() == 1);
    CHECK_FALSE(part.problems.empty());
  }
  CHECK(parse_journal(chain + chain).problems.total == 1);
  CHECK(parse_journal(chain + "{\"type\":\"of the future\",\"x\":[1]}\n" + entry).problems.empty());
  CHECK(parse_journal(chain + "{\"type\":\"read\",\"detail\":\"" + std::string(70'000, 'x') + "\"}\n").problems.total == 1);
  CHECK(parse_journal(chain + std::string(60'000, '[') + "\n").problems.total == 1);
}

TEST_CASE("capture.json comes back as it was, byte strings included") {
  const auto info = sample_capture_info();
  const std::string text = to_json(info);
  const auto parsed = parse_capture_info(text);
  REQUIRE(parsed.has_value());
  CHECK(to_json(*parsed) == text);
  CHECK(parsed->arguments == info.arguments);
  CHECK(parsed->case_fields == info.case_fields);
  CHECK(parsed->collector.namespaces == info.collector.namespaces);
  CHECK_FALSE(parsed->host.machine_id);
  CHECK(parsed->clocks.realtime_nsec == info.clocks.realtime_nsec);
  CHECK(text.find("2026-11-21T19:42:07.123456789Z") != std::string::npos);
  CHECK(text.find("\n  \"format_version\": 1,\n") != std::string::npos);

  CHECK(parsed->tool.executable == info.tool.executable);
  CHECK(parsed->collector.capabilities_permitted == "000001fffffffffe");
  CHECK(parsed->collector.login_uid == 1000u);
  CHECK(parsed->collector.terminal == 34817);
  CHECK(parsed->clock_sync->tai_offset_sec == 37);
  CHECK(text.find("\"synchronized\": true") != std::string::npos);

  // As archives had it before these were kept.
  auto old = info;
  old.tool.executable.reset();
  old.collector = {4711, 1000, 0, 1000, 0, "000001ffffffffff", {}, {}, {{"net", 4026531840}}, {}, {}, {}, {}, {}};
  old.clock_sync.reset();
  const auto read_old = parse_capture_info(to_json(old));
  REQUIRE(read_old.has_value());
  CHECK_FALSE(read_old->collector.session);
  CHECK_FALSE(read_old->clock_sync);

  auto big = info;
  big.host.byte_order = base::ByteOrder::big;
  big.host.word_bits = 32;
  for (int byte = 0; byte < 256; ++byte) big.arguments.push_back(std::string(1, static_cast<char>(byte)) + "\\x41");
  const auto again = parse_capture_info(to_json(big));
  REQUIRE(again.has_value());
  CHECK(again->arguments == big.arguments);
  CHECK(again->host.byte_order == base::ByteOrder::big);
}

TEST_CASE("every prefix of capture.json and end.json is an error") {
  for (std::string text : {to_json(sample_capture_info()), to_json(sample_end_info())}) {
    text.pop_back();  // the newline
    for (std::size_t length = 0; length < text.size(); ++length) {
      const auto prefix = std::string_view(text).substr(0, length);
      REQUIRE(parse_capture_info(prefix).has_error());
      REQUIRE(parse_end_info(prefix).has_error());
    }
  }
}

TEST_CASE("a corrupted field of capture.json is an error that names it") {
  const std::string text = to_json(sample_capture_info());
  struct Row {
    const char *from, *to, *message;
  };
  const Row rows[] = {
      {"ssnap-archive", "zip", "format"},
      {"\"format_version\": 1", "\"format_version\": 2", "newer"},
      {"\"format_version\": 1", "\"format_version\": 0", "format_version is out of range"},
      {"\"format_version\": 1", "\"format_version\": \"1\"", "format_version is not an integer"},
      {"\"format_version\": 1,", "", "format_version is missing"},
      {"\"tool\": {", "\"tool\": [], \"x\": {", "tool is not an object"},
      {"\"version\": \"0.1.0\",", "", "tool.version is missing"},
      {"\"commit\": \"abcdef0\"", "\"commit\": 7", "tool.commit is not a string"},
      {"\"arguments\": [", "\"arguments\": [7,", "arguments holds"},
      {"\"arguments\"", "\"arg\"", "arguments is missing"},
      {"\"capture\"", "\"capt\\\\ure\"", "arguments holds"},
      {"\"case\": [", "\"case\": [7,", "case holds"},
      {"\"value\": \"2026-17\"", "\"value\": null", "case.value"},
      {"\"pid\": 4711", "\"pid\": -1", "collector.pid is out of range"},
      {"\"euid\": 0", "\"euid\": 0.5", "collector.euid"},
      {"\"net\": 4026531840", "\"net\": -1", "collector.namespaces"},
      {"\"login_uid\": 1000", "\"login_uid\": -1", "collector.login_uid"},
      {"\"terminal\": 34817", "\"terminal\": \"pts\"", "collector.terminal"},
      {"\"max_error_usec\": 12000", "\"max_error_usec\": 9000000000000000000", "clock_sync.max_error_usec"},
      {"\"clock_sync\": {", "\"clock_sync\": 7, \"x\": {", "clock_sync is not an object"},
      {"\"nodename\": \"web1\"", "\"nodename\": []", "host.nodename"},
      {"\"byte_order\": \"little\"", "\"byte_order\": \"middle\"", "host.byte_order"},
      {"\"word_bits\": 64", "\"word_bits\": 48", "host.word_bits"},
      {"\"clk_tck\": 100", "\"clk_tck\": 0", "host.clk_tck is out of range"},
      {"\"page_size_bytes\": 4096", "\"page_size_bytes\": 0", "host.page_size_bytes"},
      {"\"clocks\"", "\"clock\"", "clocks is missing"},
      {"\"boottime_nsec\": 5000000000", "\"boottime_nsec\": 18446744073709551615", "clocks.boottime_nsec"},
      {"{", "[{", "not JSON"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.from, row.to);
    const auto parsed = parse_capture_info(with(text, row.from, row.to));
    REQUIRE(parsed.has_error());
    CHECK_THAT(parsed.error().message, Catch::Matchers::Contains(row.message));
  }
  CHECK(parse_capture_info(text + std::string(600'000, ' ')).has_error());
  CHECK(parse_capture_info(std::string(100'000, '[')).has_error());
  CHECK(parse_capture_info("7").has_error());
}

TEST_CASE("end.json comes back, and a corrupted field is an error that names it") {
  const std::string text = to_json(sample_end_info());
  const auto parsed = parse_end_info(text);
  REQUIRE(parsed.has_value());
  CHECK(to_json(*parsed) == text);
  CHECK(parsed->status == EndStatus::interrupted);
  CHECK(parsed->signal == 2);
  CHECK(parsed->gaps.at("denied") == 250);
  for (const auto status : {EndStatus::complete, EndStatus::limit, EndStatus::error}) {
    EndInfo info;
    info.status = status;
    REQUIRE(parse_end_info(to_json(info)).has_value());
    CHECK(parse_end_info(to_json(info))->status == status);
    CHECK_FALSE(parse_end_info(to_json(info))->signal);
  }
  struct Row {
    const char *from, *to, *message;
  };
  const Row rows[] = {
      {"interrupted", "done", "status"},
      {"\"signal\": 2", "\"signal\": 0", "signal"},
      {"\"signal\": 2", "\"signal\": 1000", "signal"},
      {"\"detail\": \"", "\"detail\": \"\\\\", "detail"},
      {"\"members\": 3,", "", "members is missing"},
      {"\"member_bytes\": 18446744073709551615", "\"member_bytes\": -1", "member_bytes"},
      {"\"denied\": 250", "\"denied\": \"250\"", "gaps"},
      {"\"gaps\": {", "\"gaps\": [], \"x\": {", "gaps is not an object"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.from, row.to);
    const auto broken = parse_end_info(with(text, row.from, row.to));
    REQUIRE(broken.has_error());
    CHECK_THAT(broken.error().message, Catch::Matchers::Contains(row.message));
  }
}

TEST_CASE("manifest lines are strict") {
  const std::string hash(64, 'a');
  const std::string good = to_manifest_line(hash, "proc/stat");
  const std::string two = good + to_manifest_line(hash, "a  b");
  const auto parsed = parse_manifest(two);
  REQUIRE(parsed.rows.size() == 2);
  CHECK(parsed.rows[1].name == "a  b");
  CHECK(parsed.problems.empty());
  for (const std::string& bad : {"\n"s, hash + "\n", hash + "  \n", hash + " *name\n", hash.substr(1) + "  name\n",
                                 "A" + hash.substr(1) + "  name\n", hash + "  ../x\n", hash + "  /x\n"}) {
    CAPTURE(bad);
    const auto result = parse_manifest(bad + good);
    CHECK(result.rows.size() == 1);
    CHECK(result.problems.total == 1);
  }
  for (std::size_t length = 1; length < good.size(); ++length)
    CHECK(parse_manifest(std::string_view(good).substr(0, length)).problems.total == 1);
}

TEST_CASE("a line of very many fields, a part of very many entries and JSON of many levels are refused") {
  const std::string chain = to_json_line(sample_link());
  std::string line = "{\"type\":\"read\"";
  for (std::size_t i = 0; i < kMaxJournalLineFields; ++i) line += ",\"k" + std::to_string(i) + "\":1";
  const auto wide = parse_journal(chain + line + "}\n" + to_json_line(sample_entry()));
  CHECK(wide.entries.size() == 1);
  REQUIRE(wide.problems.total == 1);
  CHECK(wide.problems.kept[0].message.find("more than 64 fields") != std::string::npos);
  // Colons in strings are no fields.
  JournalEntry entry = sample_entry();
  entry.detail = std::string(1000, ':') + "\\\":\"" + std::string(1000, ':');
  CHECK(parse_journal(chain + to_json_line(entry)).problems.empty());

  std::string many = chain;
  for (int i = 0; i < 5; ++i) many += to_json_line(sample_entry());
  const auto cut = parse_journal(many, 3);
  CHECK(cut.entries.size() == 3);
  REQUIRE(cut.problems.total == 1);
  CHECK(cut.problems.kept[0].message == "more than 3 entries: the rest is not read");

  std::string deep = "{\"type\":\"read\",\"x\":";
  for (std::size_t i = 0; i < kMaxJsonDepth; ++i) deep += '[';
  for (std::size_t i = 0; i < kMaxJsonDepth; ++i) deep += ']';
  const auto nested = parse_journal(chain + deep + "}\n");
  REQUIRE(nested.problems.total == 1);
  CHECK(nested.problems.kept[0].message.find("not JSON") != std::string::npos);

  std::string info = to_json(sample_capture_info());
  info.pop_back();
  info.pop_back();
  std::string fields;
  for (std::size_t i = 0; i < kMaxInfoFields; ++i) fields += ",\"k" + std::to_string(i) + "\":1";
  const auto refused = parse_capture_info(info + fields + "}");
  REQUIRE(refused.has_error());
  CHECK(refused.error().message.find("fields") != std::string::npos);
  CHECK(parse_capture_info(info + std::string(kMaxInfoBytes, ' ') + "}").has_error());
}
