// What few sockets have, and the protocols beside TCP and UDP.
#include <algorithm>
#include <sstream>

#include "decode/inet_diag.h"
#include "support.h"

using namespace ssnap::decode;
using namespace ssnap::decode::test;
using namespace std::string_literals;

namespace {

constexpr ByteOrder kOrders[] = {ByteOrder::little, ByteOrder::big};

std::string summary(const std::vector<SocketAddress>& addresses) {
  std::ostringstream out;
  for (const auto& a : addresses)
    out << ' ' << a.family << ',' << a.address.to_string() << ',' << a.port << ',' << a.scope_id;
  return out.str();
}

std::string summary(const InetDiagRecord& row) {
  std::ostringstream out;
  if (!row.attributes) return "none";
  const auto& a = *row.attributes;
  const auto put = [&out](const char* name, const auto& value) {
    if (value) out << ' ' << name << '=' << std::uint64_t{*value};
  };
  if (a.info) out << " info@" << a.info->offset << '+' << a.info->length;
  if (a.meminfo)
    out << " meminfo=" << a.meminfo->rmem << ',' << a.meminfo->wmem_queued << ',' << a.meminfo->fmem << ','
        << a.meminfo->tmem;
  if (a.congestion_info)
    out << " cc=" << a.congestion_info->attribute_type << '@' << a.congestion_info->bytes.offset << '+'
        << a.congestion_info->bytes.length;
  if (!a.extras) return out.str();
  const auto& e = *a.extras;
  if (e.ulp) {
    out << " ulp=" << e.ulp->name.value_or("-");
    if (const auto& tls = e.ulp->tls) {
      out << " tls";
      put("version", tls->version), put("cipher", tls->cipher), put("tx", tls->tx_mode);
      put("rx", tls->rx_mode), put("max", tls->tx_max_payload_bytes);
      if (tls->zero_copy_sendfile) out << " zc";
      if (tls->rx_no_padding) out << " nopad";
    }
    if (const auto& s = e.ulp->mptcp) {
      out << " mptcp";
      put("remote", s->remote_token), put("local", s->local_token);
      put("write", s->relative_write_sequence), put("map", s->map_sequence);
      put("sfseq", s->map_subflow_sequence), put("ssn", s->subflow_sequence_offset);
      put("length", s->map_data_length), put("flags", s->flags);
      put("rid", s->remote_id), put("lid", s->local_id);
    }
  }
  if (!e.locals.empty()) out << " locals" << summary(e.locals);
  if (!e.peers.empty()) out << " peers" << summary(e.peers);
  if (e.md5_peers) {
    out << " md5";
    for (const auto& p : *e.md5_peers)
      out << ' ' << int{p.family} << ',' << p.address.to_string() << '/' << int{p.prefix_length} << ','
          << p.key_length_bytes << (p.key_is_zero ? ",zero" : "");
  }
  if (e.bpf_storages) out << " bpf@" << e.bpf_storages->offset << '+' << e.bpf_storages->length;
  for (const auto& u : e.unnamed)
    out << " unnamed=" << u.type << '@' << u.payload.offset << '+' << u.payload.length;
  return out.str();
}

std::string diag_msg(ByteOrder order) {
  return Bytes(order).u8(2).u8(1).u8(0).u8(0).zeros(68).str();
}

// Where the payload of the first attribute begins in pcap(message(20, diag_msg() + ...)).
constexpr std::size_t kFirstPayload = 24 + 32 + 16 + 72 + 4;

std::string summary_of(const std::string& attributes, ByteOrder order = ByteOrder::little) {
  const InetDiagDump dump =
      decode_inet_diag(pcap(message(20, diag_msg(order) + attributes, order) + done(0, order), order));
  CHECK(dump.problems.empty());
  REQUIRE(dump.rows.size() == 1);
  return summary(dump.rows[0]);
}

std::string md5sig(ByteOrder order, const std::string& key) {
  return Bytes(order).u8(2).u8(24).u16(5).raw("\x0a\0\0\2"s).zeros(12).raw(key).zeros(80 - key.size()).str();
}

const InetDiagRecord* find_row(const InetDiagDump& dump, const std::string& local, std::uint16_t port,
                               std::uint8_t state) {
  const auto found = std::find_if(dump.rows.begin(), dump.rows.end(), [&](const auto& row) {
    return row.local.to_string() == local && row.local_port == port && row.state == state;
  });
  return found == dump.rows.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("TCP sockets of the second scene: MD5 keys, MPTCP subflows, congestion control") {
  const std::string bytes = read_fixture("inet_diag-tcp-odd.pcap");
  const InetDiagDump dump = decode_inet_diag(bytes);
  CHECK(dump.problems.empty());
  CHECK(dump.rows.size() == 8);

  const auto* signed4 = find_row(dump, "10.0.0.1", 179, 10);
  REQUIRE(signed4);
  REQUIRE(signed4->attributes->extras);
  CHECK(summary(*signed4).ends_with(" md5 2,10.0.0.0/24,13 2,10.0.0.2/32,13"));
  const auto* signed6 = find_row(dump, "::1", 179, 10);
  REQUIRE(signed6);
  CHECK(summary(*signed6).ends_with(" md5 10,2001:db8::2/128,80"));

  // A listener of MPTCP has the name of its ULP only.
  const auto* listener = find_row(dump, "127.0.0.1", 5000, 10);
  REQUIRE(listener);
  CHECK(summary(*listener).ends_with(" ulp=mptcp"));
  const auto* subflow = find_row(dump, "127.0.0.1", 5000, 1);
  REQUIRE(subflow);
  const auto& mptcp = subflow->attributes->extras->ulp->mptcp;
  REQUIRE(mptcp);
  CHECK(mptcp->local_token);
  CHECK(mptcp->flags == 193);  // MP_CAPABLE by the remote, fully established, connected
  CHECK(mptcp->remote_id == 0);
  CHECK(mptcp->local_id == 0);

  // bbr tells its numbers, cubic has none; an ordinary socket has no extras.
  const auto* cubic = find_row(dump, "127.0.0.1", 4430, 1);
  REQUIRE(cubic);
  CHECK(cubic->attributes->congestion == "cubic");
  CHECK_FALSE(cubic->attributes->congestion_info);
  CHECK_FALSE(cubic->attributes->extras);
  REQUIRE(subflow->attributes->congestion_info);
  CHECK(subflow->attributes->congestion_info->attribute_type == 16);
  CHECK(subflow->attributes->congestion_info->bytes.length == 20);

  for (const auto& row : dump.rows) {
    REQUIRE(row.attributes);
    REQUIRE(row.attributes->info);
    CHECK(row.attributes->info->length == 280);
    CHECK(row.attributes->tcp_info_bytes == 280);
    CHECK(row.attributes->info->offset + 280 <= bytes.size());
    CHECK(row.attributes->meminfo);
    // tcpi_state
    CHECK(static_cast<std::uint8_t>(bytes[row.attributes->info->offset]) == row.state);
  }
}

TEST_CASE("MPTCP, UDP-Lite, SCTP and DCCP dumps of the second scene") {
  const InetDiagDump mptcp = decode_inet_diag(read_fixture("inet_diag-mptcp4-pair.pcap"));
  CHECK(mptcp.problems.empty());
  CHECK(mptcp.request_protocol == 262);
  CHECK(mptcp.rows.size() == 3);
  const auto* accepted = find_row(mptcp, "127.0.0.1", 5000, 1);
  REQUIRE(accepted);
  REQUIRE(accepted->attributes->info);
  CHECK(accepted->attributes->info->length == 96);

  const InetDiagDump lite4 = decode_inet_diag(read_fixture("inet_diag-udplite4.pcap"));
  CHECK(lite4.request_family == 2);
  CHECK(lite4.request_protocol == 136);
  REQUIRE(lite4.rows.size() == 1);
  CHECK(lite4.rows[0].local_port == 6000);
  CHECK_FALSE(lite4.rows[0].attributes->info);
  const InetDiagDump lite6 = decode_inet_diag(read_fixture("inet_diag-udplite6.pcap"));
  CHECK(lite6.request_family == 10);
  REQUIRE(lite6.rows.size() == 1);
  CHECK(lite6.rows[0].local.to_string() == "::1");

  for (const auto& [name, protocol] :
       {std::pair{"inet_diag-sctp4.pcap", 132}, {"inet_diag-dccp4.pcap", 33}}) {
    const InetDiagDump dump = decode_inet_diag(read_fixture(name));
    CHECK(dump.request_protocol == protocol);
    CHECK(dump.end.errno_number == 2);
    CHECK(dump.rows.empty());
  }
}

TEST_CASE("information, memory and congestion control by their place") {
  for (const auto order : kOrders) {
    const auto u32 = [order](std::uint32_t value) { return Bytes(order).u32(value).str(); };
    CHECK(summary_of(attribute(1, u32(1) + u32(2) + u32(3) + u32(4), order), order) == " meminfo=1,2,3,4");
    CHECK(summary_of(attribute(2, std::string(232, 'x'), order), order) ==
          " info@" + std::to_string(kFirstPayload) + "+232");
    for (const std::uint16_t type : std::initializer_list<std::uint16_t>{3, 9, 16})
      CHECK(summary_of(attribute(type, std::string(16, 'x'), order), order) ==
            " cc=" + std::to_string(type) + "@" + std::to_string(kFirstPayload) + "+16");
    CHECK(summary_of(attribute(20, "bpf", order) + attribute(14, "", order) + attribute(23, "\x10", order),
                     order) == " bpf@148+3 unnamed=23@160+1");
  }
}

TEST_CASE("upper layer protocols, in both byte orders") {
  for (const auto order : kOrders) {
    const auto u16 = [order](std::uint16_t type, std::uint16_t value) {
      return attribute(type, Bytes(order).u16(value).str(), order);
    };
    const auto u32 = [order](std::uint16_t type, std::uint32_t value) {
      return attribute(type, Bytes(order).u32(value).str(), order);
    };
    const std::string tls = u16(1, 0x303) + u16(2, 51) + u16(3, 2) + u16(4, 3) + attribute(5, "", order) +
                            attribute(6, "", order) + u16(7, 4096) + attribute(8, "", order);
    CHECK(summary_of(attribute(19, attribute(1, "tls\0"s, order) + attribute(0x8002, tls, order), order),
                     order) ==
          " ulp=tls tls version=771 cipher=51 tx=2 rx=3 max=4096 zc nopad unnamed=8@212+0");
    const std::string mptcp =
        u32(1, 11) + u32(2, 12) + u32(3, 13) + attribute(4, Bytes(order).u64(1ull << 40).str(), order) +
        u32(5, 15) + u32(6, 16) + u16(7, 17) + u32(8, 0xc1) + attribute(9, "\x01", order) +
        attribute(10, "\x02", order) + attribute(11, "", order) + attribute(99, "x", order);
    CHECK(
        summary_of(attribute(19, attribute(1, "mptcp\0"s, order) + attribute(3, mptcp, order), order),
                   order) ==
        " ulp=mptcp mptcp remote=11 local=12 write=13 map=1099511627776 sfseq=15 ssn=16 length=17 flags=193 "
        "rid=1 lid=2 unnamed=99@256+1");
    CHECK(summary_of(attribute(19, "", order), order) == " ulp=-");
    CHECK(summary_of(attribute(19, attribute(7, "later", order), order), order) == " ulp=- unnamed=7@152+5");
  }
}

TEST_CASE("addresses of an SCTP association, in both byte orders") {
  for (const auto order : kOrders) {
    const std::string v4 = Bytes(order).u16(2).u16_network(5000).raw("\x0a\0\0\1"s).zeros(120).str();
    const std::string v6 = Bytes(order)
                               .u16(10)
                               .u16_network(5001)
                               .u32(7)
                               .raw("\xfe\x80"s)
                               .zeros(13)
                               .raw("\x01")
                               .u32(3)
                               .zeros(100)
                               .str();
    const std::string other = Bytes(order).u16(1).zeros(126).str();
    CHECK(summary_of(attribute(12, v4 + v6, order) + attribute(13, other, order), order) ==
          " locals 2,10.0.0.1,5000,0 10,fe80::1,5001,3 peers 1,,0,0");
  }
}

TEST_CASE("MD5 peers: whether a key was withheld, never the key") {
  for (const auto order : kOrders) {
    CHECK(summary_of(attribute(18, md5sig(order, "a key") + md5sig(order, ""), order), order) ==
          " md5 2,10.0.0.2/24,5 2,10.0.0.2/24,5,zero");
    CHECK(summary_of(attribute(18, "", order), order) == " md5");
  }
}

TEST_CASE("each corrupted field of the extended attributes") {
  struct Row {
    const char* what;
    std::string attributes;
    std::string problem;
    std::string read;
  };
  constexpr auto kLittle = ByteOrder::little;
  const auto ulp = [](std::uint16_t type, const std::string& nested) {
    return attribute(19, attribute(type, nested));
  };
  const std::string left_out = "; the record is kept without it";
  const std::string no_tile =
      "expected a whole attribute, found 4 bytes that are none; the record is kept with the attributes "
      "before";
  const std::string v4 = Bytes(kLittle).u16(2).u16_network(5000).raw("\x0a\0\0\1"s).zeros(120).str();
  std::vector<Row> rows{
      {"meminfo", attribute(1, "abc"), "INET_DIAG_MEMINFO: expected 16 bytes, found 3" + left_out, ""},
      {"longer meminfo", attribute(1, std::string(20, '\0')), "", " meminfo=0,0,0,0"},
      {"locals", attribute(12, v4 + v4.substr(0, 127)),
       "INET_DIAG_LOCALS: expected structures of 128 bytes, found 255 bytes; the whole ones are kept",
       " locals 2,10.0.0.1,5000,0"},
      {"peers", attribute(13, "abc"),
       "INET_DIAG_PEERS: expected structures of 128 bytes, found 3 bytes; the whole ones are kept", ""},
      {"MD5", attribute(18, md5sig(kLittle, "k") + md5sig(kLittle, "k").substr(0, 99)),
       "INET_DIAG_MD5SIG: expected structures of 100 bytes, found 199 bytes; the whole ones are kept",
       " md5 2,10.0.0.2/24,5"},
      {"ULP tiling", attribute(19, "\xff\xff\0\0"s), "INET_DIAG_ULP_INFO: " + no_tile, " ulp=-"},
      {"TLS tiling", ulp(2, "\xff\xff\0\0"s), "INET_ULP_INFO_TLS: " + no_tile, " ulp=- tls"},
      {"MPTCP tiling", ulp(3, "\xff\xff\0\0"s), "INET_ULP_INFO_MPTCP: " + no_tile, " ulp=- mptcp"},
  };
  struct Scalar {
    std::uint16_t nest, type;
    const char* name;
    int size;
  };
  for (const Scalar& s :
       {Scalar{2, 1, "TLS_INFO_VERSION", 2}, Scalar{2, 2, "TLS_INFO_CIPHER", 2},
        Scalar{2, 3, "TLS_INFO_TXCONF", 2}, Scalar{2, 4, "TLS_INFO_RXCONF", 2},
        Scalar{2, 7, "TLS_INFO_TX_MAX_PAYLOAD_LEN", 2}, Scalar{3, 1, "MPTCP_SUBFLOW_ATTR_TOKEN_REM", 4},
        Scalar{3, 2, "MPTCP_SUBFLOW_ATTR_TOKEN_LOC", 4}, Scalar{3, 3, "MPTCP_SUBFLOW_ATTR_RELWRITE_SEQ", 4},
        Scalar{3, 4, "MPTCP_SUBFLOW_ATTR_MAP_SEQ", 8}, Scalar{3, 5, "MPTCP_SUBFLOW_ATTR_MAP_SFSEQ", 4},
        Scalar{3, 6, "MPTCP_SUBFLOW_ATTR_SSN_OFFSET", 4}, Scalar{3, 7, "MPTCP_SUBFLOW_ATTR_MAP_DATALEN", 2},
        Scalar{3, 8, "MPTCP_SUBFLOW_ATTR_FLAGS", 4}, Scalar{3, 9, "MPTCP_SUBFLOW_ATTR_ID_REM", 1},
        Scalar{3, 10, "MPTCP_SUBFLOW_ATTR_ID_LOC", 1}}) {
    rows.push_back(
        {s.name, ulp(s.nest, attribute(s.type, "abc")),
         std::string(s.name) + ": expected " + std::to_string(s.size) + " bytes, found 3" + left_out,
         s.nest == 2 ? " ulp=- tls" : " ulp=- mptcp"});
  }
  for (const Row& row : rows) {
    INFO(row.what);
    const InetDiagDump dump = decode_inet_diag(
        pcap(message(20, diag_msg(kLittle) + row.attributes) + message(20, diag_msg(kLittle)) + done()));
    CHECK(first_message(dump.problems) == row.problem);
    CHECK(dump.problems.total == (row.problem.empty() ? 0 : 1));
    REQUIRE(dump.rows.size() == 2);
    CHECK(summary(dump.rows[0]) == row.read);
  }
}

TEST_CASE("every prefix of a dump with odd sockets gives a prefix of its rows") {
  check_dump_prefixes(read_fixture("inet_diag-tcp-odd.pcap"), [](std::string_view bytes) { return decode_inet_diag(bytes); },
                      [](const InetDiagRecord& row) { return summary(row); });
}
