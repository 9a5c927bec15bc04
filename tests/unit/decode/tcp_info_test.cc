#include "decode/tcp_info.h"

#include <algorithm>

#include "decode/inet_diag.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

using Fields = std::vector<InfoField>;
constexpr ByteOrder kOrders[] = {ByteOrder::little, ByteOrder::big};

const InfoField* find_field(const Fields& fields, std::string_view name) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::uint64_t value_of(const Fields& fields, std::string_view name) {
  const auto* field = find_field(fields, name);
  REQUIRE(field);
  return field->value;
}

std::string info_of(const std::string& bytes, const InetDiagRecord& row) {
  const ByteSpan span = row.attributes->info.value();
  return bytes.substr(span.offset, span.length);
}

// Byte i is i + 1, so that each field's value tells its place.
std::string counting(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i + 1);
  return bytes;
}

using Decode = Fields (*)(std::string_view, ssnap::base::ByteOrder);

}  // namespace

TEST_CASE("tcp_info of the second scene") {
  const std::string bytes = read_fixture("inet_diag-tcp-odd.pcap");
  const InetDiagDump dump = decode_inet_diag(bytes);
  const auto row = std::find_if(dump.rows.begin(), dump.rows.end(), [](const auto& r) {
    return r.state == 1 && r.attributes->extras && r.attributes->extras->ulp && r.peer_port == 5000;
  });
  REQUIRE(row != dump.rows.end());
  const Fields fields = decode_tcp_info(info_of(bytes, *row), ByteOrder::little);
  CHECK(value_of(fields, "state") == 1);
  CHECK(value_of(fields, "snd_wscale") == 10);
  CHECK(value_of(fields, "rcv_wscale") == 10);
  CHECK(value_of(fields, "pmtu") == 65535);
  CHECK(value_of(fields, "bytes_sent") == 5);
  CHECK(value_of(fields, "bytes_acked") == 6);
  CHECK(value_of(fields, "max_pacing_rate") == ~std::uint64_t{0});
  CHECK(value_of(fields, "snd_wnd") == 65536);
  CHECK(std::none_of(fields.begin(), fields.end(), [](const auto& f) { return f.name.empty(); }));
}

TEST_CASE("mptcp_info of the second scene names the token of its subflows") {
  const std::string tcp_bytes = read_fixture("inet_diag-tcp-odd.pcap");
  const std::string bytes = read_fixture("inet_diag-mptcp4-pair.pcap");
  const InetDiagDump subflows = decode_inet_diag(tcp_bytes), dump = decode_inet_diag(bytes);
  int joined = 0;
  for (const auto& row : dump.rows) {
    const Fields fields = decode_mptcp_info(info_of(bytes, row), ByteOrder::little);
    CHECK(find_field(fields, "last_ack_recv")->offset == 92);
    if (row.state != 1) continue;
    CHECK(value_of(fields, "subflows_total") == 1);
    for (const auto& subflow : subflows.rows) {
      const auto& extras = subflow.attributes->extras;
      if (!extras || !extras->ulp || !extras->ulp->mptcp) continue;
      if (extras->ulp->mptcp->local_token == value_of(fields, "token")) {
        CHECK(subflow.local_port == row.local_port);
        CHECK(subflow.inode == row.inode);
        ++joined;
      }
    }
  }
  CHECK(joined == 2);
}

TEST_CASE("where the fields lie, in both byte orders") {
  struct Row {
    Decode decode;
    const char* name;
    std::uint32_t offset;
    std::uint8_t size;
  };
  for (const Row& row : {
           Row{decode_tcp_info, "state", 0, 1},
           Row{decode_tcp_info, "options", 5, 1},
           Row{decode_tcp_info, "rto", 8, 4},
           Row{decode_tcp_info, "total_retrans", 100, 4},
           Row{decode_tcp_info, "pacing_rate", 104, 8},
           Row{decode_tcp_info, "min_rtt", 148, 4},
           Row{decode_tcp_info, "delivery_rate", 160, 8},
           Row{decode_tcp_info, "bytes_retrans", 208, 8},
           Row{decode_tcp_info, "snd_wnd", 228, 4},
           Row{decode_tcp_info, "rehash", 236, 4},
           Row{decode_tcp_info, "total_rto_recoveries", 242, 2},
           Row{decode_tcp_info, "total_rto_time", 244, 4},
           Row{decode_tcp_info, "received_ce_bytes", 272, 4},
           Row{decode_tcp_info, "accecn", 276, 4},
           Row{decode_mptcp_info, "subflows_max", 3, 1},
           Row{decode_mptcp_info, "flags", 8, 4},
           Row{decode_mptcp_info, "write_seq", 16, 8},
           Row{decode_mptcp_info, "csum_enabled", 42, 1},
           Row{decode_mptcp_info, "retransmits", 44, 4},
           Row{decode_mptcp_info, "subflows_total", 80, 1},
           Row{decode_mptcp_info, "last_ack_recv", 92, 4},
           Row{decode_sctp_info, "penddata", 14, 2},
           Row{decode_sctp_info, "peer_sack", 53, 1},
           Row{decode_sctp_info, "isacks", 56, 8},
           Row{decode_sctp_info, "ictrlchunks", 160, 8},
           Row{decode_sctp_info, "p_state", 296, 4},
           Row{decode_sctp_info, "p_error", 340, 2},
           Row{decode_sctp_info, "s_type", 360, 4},
       }) {
    INFO(row.name);
    for (const auto order : kOrders) {
      const std::string info = counting(368);
      const Fields fields = row.decode(info, order);
      const auto* field = find_field(fields, row.name);
      REQUIRE(field);
      CHECK(field->offset == row.offset);
      CHECK(field->size_bytes == row.size);
      CHECK(field->bits == 0);
      std::uint64_t expected = 0;
      for (std::uint32_t i = 0; i < row.size; ++i) {
        const std::uint32_t at = order == ByteOrder::big ? i : row.size - 1 - i;
        expected = expected << 8 | static_cast<unsigned char>(info[row.offset + at]);
      }
      CHECK(field->value == expected);
    }
  }
}

TEST_CASE("bit fields lie in the low bits of a little-endian machine, in the high bits of a big-endian one") {
  const std::string info = std::string(6, '\0') + "\x9a\x05";
  const Fields little = decode_tcp_info(info, ByteOrder::little);
  CHECK(value_of(little, "snd_wscale") == 0xa);
  CHECK(value_of(little, "rcv_wscale") == 9);
  CHECK(value_of(little, "delivery_rate_app_limited") == 1);
  CHECK(value_of(little, "fastopen_client_fail") == 2);
  CHECK(find_field(little, "rcv_wscale")->offset == 6);
  CHECK(find_field(little, "rcv_wscale")->bits == 4);
  const Fields big = decode_tcp_info(std::string(6, '\0') + "\x9a\xc0", ByteOrder::big);
  CHECK(value_of(big, "snd_wscale") == 9);
  CHECK(value_of(big, "rcv_wscale") == 0xa);
  CHECK(value_of(big, "delivery_rate_app_limited") == 1);
  CHECK(value_of(big, "fastopen_client_fail") == 2);
}

TEST_CASE("a longer structure: what has no name comes by its place") {
  const Fields fields = decode_tcp_info(counting(280 + 8 + 3), ByteOrder::little);
  REQUIRE(fields.size() > 2);
  CHECK(fields[fields.size() - 2] == InfoField{"", 280, 8, 0, 0x201f1e1d1c1b1a19});
  CHECK(fields.back() == InfoField{"", 288, 3, 0, 0x232221});
  CHECK(decode_tcp_info(counting(280 + 3), ByteOrder::big).back() == InfoField{"", 280, 3, 0, 0x191a1b});
  // sctpi_p_address
  const Fields sctp = decode_sctp_info(counting(368), ByteOrder::little);
  CHECK(std::count_if(sctp.begin(), sctp.end(), [](const auto& f) { return f.name.empty(); }) == 16);
}

TEST_CASE("every length: fields that are whole, then what is left of a cut one") {
  for (const Decode decode : {decode_tcp_info, decode_mptcp_info, decode_sctp_info}) {
    for (const auto order : kOrders) {
      const Fields whole = decode(counting(400), order);
      for (std::size_t size = 0; size <= 400; ++size) {
        const Fields fields = decode(counting(size), order);
        std::uint64_t end = 0;
        for (std::size_t i = 0; i < fields.size(); ++i) {
          if (fields[i].name.empty())
            REQUIRE(fields[i].size_bytes <= 8);
          else
            REQUIRE(fields[i] == whole[i]);
          REQUIRE(fields[i].size_bytes > 0);
          end = std::uint64_t{fields[i].offset} + fields[i].size_bytes;
          REQUIRE(end <= size);
        }
        // Only padding may be missing at the end.
        REQUIRE(end + 4 >= size);
      }
    }
  }
}

TEST_CASE("congestion control's own numbers, whole and cut") {
  const Fields bbr = decode_congestion_info(16, counting(20), ByteOrder::little);
  REQUIRE(bbr.size() == 5);
  CHECK(bbr[0] == InfoField{"bbr_bw_lo", 0, 4, 0, 0x04030201});
  CHECK(bbr[4] == InfoField{"bbr_cwnd_gain", 16, 4, 0, 0x14131211});
  const Fields dctcp = decode_congestion_info(9, counting(16), ByteOrder::big);
  REQUIRE(dctcp.size() == 5);
  CHECK(dctcp[1] == InfoField{"dctcp_ce_state", 2, 2, 0, 0x0304});
  const Fields vegas = decode_congestion_info(3, counting(7), ByteOrder::little);
  REQUIRE(vegas.size() == 2);
  CHECK(vegas[0].name == "vegas_enabled");
  CHECK(vegas[1].name.empty());
  CHECK(decode_congestion_info(4, counting(16), ByteOrder::little).empty());
}
