#include "model/finding.h"
#include "render/json.h"
#include "render/json_item.h"

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "support/catch.h"
#include "unit/render/rows.h"

namespace json = boost::json;
using namespace ssnap;
using namespace ssnap::test;
using namespace std::string_literals;

namespace {

const json::value& schema() {
  static const json::value parsed = [] {
    std::ifstream file(SSNAP_SCHEMA);
    std::stringstream text;
    text << file.rdbuf();
    return json::parse(text.str());
  }();
  return parsed;
}

// As much of JSON Schema as ours uses. `used` collects every property and definition that the value
// exercised.
class Validator {
 public:
  std::vector<std::string> errors;
  std::set<std::string> used;

  void check(const json::value& value, const json::object& rule, const std::string& at) {
    if (const auto* reference = rule.if_contains("$ref")) {
      const auto pointer = std::string(reference->as_string()).substr(1);
      used.insert(pointer);
      check(value, schema().at_pointer(pointer).as_object(), at);
    }
    if (const auto* type = rule.if_contains("type")) check_type(value, std::string(type->as_string()), at);
    if (const auto* constant = rule.if_contains("const"))
      if (*constant != value) fail(at, "is not the constant");
    if (const auto* names = rule.if_contains("enum")) {
      const auto& list = names->as_array();
      if (std::find(list.begin(), list.end(), value) == list.end()) fail(at, "is not in the enum");
    }
    if (value.is_object()) check_object(value.as_object(), rule, at);
    if (const auto* items = rule.if_contains("items"); items && value.is_array())
      for (const auto& item : value.as_array()) check(item, items->as_object(), at + "[]");
    if (const auto* all = rule.if_contains("allOf"))
      for (const auto& branch : all->as_array()) {
        Validator condition;
        condition.check(value, branch.at("if").as_object(), at);
        if (condition.errors.empty()) check(value, branch.at("then").as_object(), at);
      }
  }

 private:
  void fail(const std::string& at, const std::string& what) { errors.push_back(at + ' ' + what); }

  void check_type(const json::value& value, const std::string& type, const std::string& at) {
    const bool good = type == "object"    ? value.is_object()
                      : type == "array"   ? value.is_array()
                      : type == "string"  ? value.is_string()
                      : type == "boolean" ? value.is_bool()
                      : type == "integer" ? value.is_int64() || value.is_uint64()
                                          : false;
    if (!good) fail(at, "is no " + type);
  }

  void check_object(const json::object& object, const json::object& rule, const std::string& at) {
    if (const auto* required = rule.if_contains("required"))
      for (const auto& key : required->as_array())
        if (!object.contains(key.as_string())) fail(at, "lacks " + std::string(key.as_string()));
    const auto* properties = rule.if_contains("properties");
    const auto* more = rule.if_contains("additionalProperties");
    for (const auto& [key, value] : object) {
      const auto path = at + '.' + std::string(key);
      if (const auto* property = properties ? properties->as_object().if_contains(key) : nullptr) {
        used.insert(path);
        check(value, property->as_object(), path);
      } else if (more && more->is_object()) {
        check(value, more->as_object(), path);
      } else if (more && !more->as_bool()) {
        fail(path, "is not in the schema");
      }
    }
  }
};

// Every field that the model has.
model::Snapshot full() {
  auto result = scene();
  result.host.machine_id = "0123456789abcdef0123456789abcdef";
  result.host.kernel_version = "#1 SMP";
  result.capture.tool_version = "0.1.0";
  result.capture.arguments = {"capture", "-o", "-"};
  result.capture.case_fields = {{"ticket", "7"}, {"ticket", "8"}};
  result.capture.status_detail = "detail";
  result.namespaces.push_back({4026532000, "blue", "nsfs", false});
  auto& shell = result.processes[1];
  shell.session = 80;
  shell.exe = "/usr/bin/dash (deleted)";
  shell.cwd = "/";
  shell.root = "/";
  shell.cgroup = "/system.slice/x.service";
  shell.namespaces = {{"net", 4026531840}, {"pid", 4026531836}};
  shell.zombie = true;
  shell.start_error_nsec = 10'000'000;
  shell.gid = shell.egid = 33;
  shell.euid = 33;
  shell.login_uid = 0;
  shell.audit_session = 7;
  shell.capabilities_effective = 1u << 12 | std::uint64_t{1} << 63;
  shell.capabilities_permitted = 0x1ffffffffff;
  shell.capabilities_bounding = 0;
  shell.security_label = "unconfined\xff";
  shell.ns_pids = {81, 1};
  shell.container = model::Container{"docker", std::string(64, 'a')};
  shell.pod_uid = "6f9619ff-8b86-d011-b42d-00cf4fc964ff";
  shell.unit = "x.service";
  shell.exe_sha256 = std::string(64, 'a');
  shell.environ = {{"HOME=/root", ""}};
  shell.user_unit = shell.exe_deleted = shell.exe_memfd = shell.other_mount_namespace = shell.forked_only = true;
  shell.living_thread = 83;
  shell.mounted_over = "/proc/81";

  auto& listener = result.sockets[0];
  listener.details->tos = 1;
  listener.details->tclass = 2;
  listener.details->shutdown = 3;
  listener.details->mark = 4;
  listener.details->class_id = 5;
  listener.details->cgroup_id = 0xffffffffffffffff;
  listener.details->sockopt = 6;
  listener.details->congestion = "cubic";
  listener.details->skmeminfo = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  listener.timer = model::Timer{2, 7200000, 1};
  listener.local.interface_index = 2;
  listener.links = {{0, model::Tie::peer, model::Certainty::certain}};
  listener.sightings.push_back({model::View::inet_diag, 1, 0, 500});
  listener.sightings.push_back({model::View::proc_net_tcp6, 1, 9, 12});
  listener.owners[1].tid = 82;
  model::add_clue(listener.owners[1], model::Clue::ancestor_holds);
  model::add_clue(listener.owners[1], model::Clue::other_fd);
  auto ring = owner(1, {4});
  ring.via = model::Via::io_uring;
  ring.registered_files = {0, 3};
  ring.origin = model::Origin::passed;
  ring.origin_certainty = model::Certainty::possible;
  ring.from = 0;
  listener.owners.push_back(std::move(ring));

  auto raw = inet_socket(model::kProtocolRaw, 77, any_v4(), 0);
  raw.details = std::make_unique<model::SocketDetails>();
  raw.details->raw_protocol = 89;
  raw.local.interface_index = 3;
  result.sockets.push_back(std::move(raw));
  auto named =
      unix_socket(model::kSocketStream, model::kStateListen, model::UnixName::Kind::path, "/run/a\xff\\b");
  named.details = std::make_unique<model::SocketDetails>();
  named.details->rare.make().vfs_inode = 12;
  named.details->rare.make().vfs_device = 254u << 20 | 3;
  named.details->rare.make().pending_inodes = {1, 2};
  named.ownerless_reason = model::OwnerlessReason{model::OwnerlessCode::unreadable, "pid 1\x1b", {1, 99}, 40};
  result.sockets.push_back(std::move(named));
  auto peer = unix_socket(99, model::kStateEstab, model::UnixName::Kind::none, "");
  peer.family = model::kFamilyUnix;
  peer.peer_name = {model::UnixName::Kind::abstract_name, "x\0y"s};
  peer.peer_inode = 4242;
  peer.netns = 1;
  result.sockets.push_back(std::move(peer));
  model::Gap gap;
  gap.kind = base::OutcomeKind::denied;
  gap.source = "pid-fd";
  gap.member = "proc/1/fds";
  gap.netns = 4026531840;
  gap.pid = 1;
  gap.tid = 1;
  gap.errno_number = 13;
  gap.count = 250;
  gap.detail = "x";
  result.gaps.push_back(gap);
  result.problems.push_back({"proc/net/tcp", 300, "bad row"});
  result.cgroups[0xffffffffffffffff] = "/system.slice/\xff";
  add_every_family(result);
  result.sockets[0].details->rare.make().ulp = "tls";
  result.sockets[0].details->rare.make().md5_peers = 2;
  result.sockets[0].details->rare.make().subflow = model::Subflow{1, 2, 3, 4};
  result.sockets[0].details->info = {{"tcpi_rtt", 68, 1500}, {"", 280, 18446744073709551615u}};
  result.sockets[0].owners[0].passes = 3;
  result.account.push_back({0, "tcp", 3, 4, 2, -1, 5, {"1 came"}, 1});
  result.account.push_back({9, "vs\xffock", {}, {}, 0, {}, {}, {}, 0});
  result.held = {10, 9, {"1 went"}, 0};
  result.namespaces.push_back({0, "", "", false, true});
  result.sockets.back().netns = 2;
  return result;
}

}  // namespace

TEST_CASE("JSON: the scene") {
  const auto snapshot = scene();
  const auto text = render::render_json(all_rows(snapshot));
  CHECK(text.ends_with("}\n"));
  const auto root = json::parse(text);
  CHECK(
      json::serialize(root.at("sockets")) ==
      R"([{"netns":{"inode":4026531840},"family":"inet6","family_number":10,"protocol":"tcp","protocol_number":6,)"
      R"("state":"LISTEN","state_number":10,"local":{"address":"::","port":8080},"peer":{"address":"::","port":0},)"
      R"("recv_queue":0,"send_queue":100,"inode":4711,"cookie":"4660","uid":0,"user":"root",)"
      R"("details":{"v6only":false},"owners":[)"
      R"({"pid":80,"start_ticks":8000,"start_time":"2026-11-21T19:41:20.000Z","comm":"python3",)"
      R"("cmdline":["python3"],"fds":[37],"via":"fd","certainty":"certain","origin":"creator",)"
      R"("origin_certainty":"probable"},)"
      R"({"pid":81,"start_ticks":8100,"start_time":"2026-11-21T19:41:21.000Z","comm":"sh",)"
      R"("cmdline":["sh"],"fds":[38],"via":"fd","certainty":"certain","origin":"inherited",)"
      R"("origin_certainty":"probable","inherited_from":{"pid":80,"start_ticks":8000}}],"peer_owners":[],)"
      R"("sources":[{"view":"inet_diag","pass":1}],)"
      R"("evidence":[{"member":"netns/4026531840/netlink/tcp.1","offset":96}]}])");
  CHECK(json::serialize(root.at("host")) ==
        R"({"nodename":"web1","kernel":"6.1.0","machine":"x86_64",)"
        R"("boot_id":"00000000-0000-4000-8000-000000000001","clk_tck":100})");
  CHECK(
      json::serialize(root.at("capture")) ==
      R"({"arguments":[],"case":[],"begin":"2026-11-21T19:42:07.000Z","end":"2026-11-21T19:42:08.500Z",)"
      R"("smear_nsec":38000000,"status":"complete","incomplete":false,"processes_found":61,"processes_read":61})");
  CHECK(root.at("gaps").as_array().empty());
}

TEST_CASE("JSON: details, unknown numbers, hostile bytes") {
  const auto snapshot = full();
  const auto root = json::parse(render::render_json(all_rows(snapshot)));
  const auto& sockets = root.at("sockets").as_array();
  CHECK(json::serialize(sockets[0].at("local")) ==
        R"({"address":"::","port":8080,"interface":"eth0","interface_index":2})");
  CHECK(json::serialize(sockets[0].at("timer")) ==
        R"({"name":"keepalive","number":2,"expires_msec":7200000,"retransmits":1})");
  CHECK(sockets[0].at("details").at("cgroup_id").as_string() == "18446744073709551615");
  CHECK(json::serialize(sockets[0].at("details").at("skmeminfo")) ==
        R"({"rmem_alloc":0,"rcvbuf":1,"wmem_alloc":2,"sndbuf":3,"fwd_alloc":4,"wmem_queued":5,"optmem":6,)"
        R"("backlog":7,"drops":8,"further":[9,10]})");
  CHECK(json::serialize(sockets[0].at("sources")) ==
        R"([{"view":"inet_diag","pass":1},{"view":"proc_net_tcp6","pass":1}])");
  CHECK(json::serialize(sockets[0].at("evidence").at_pointer("/2")) == R"({"offset":12})");
  CHECK(json::serialize(sockets[1].at("local")) == R"({"address":"0.0.0.0","interface_index":3})");
  CHECK(json::serialize(sockets[1].at("details")) == R"({"raw_protocol":89,"raw_protocol_name":"ospf"})");
  CHECK(sockets[1].at("state").as_string() == "state-77");
  CHECK(sockets[2].at("local").at("path").as_string() == "/run/a\\xff\\\\b");
  CHECK(json::serialize(sockets[2].at("details").at("vfs_device")) == R"({"major":254,"minor":3})");
  CHECK(sockets[2].at("ownerless_reason").at("detail").as_string() == "pid 1\x1b");
  CHECK(json::serialize(sockets[3].at("netns")) == R"({"inode":4026532000,"name":"blue"})");
  CHECK(sockets[3].at("protocol").as_string() == "proto-99");
  CHECK(sockets[3].at("local").as_object().empty());
  CHECK(sockets[3].at("peer").at("inode").as_int64() == 4242);
  CHECK(sockets[3].at("peer").at("abstract").as_string() == json::string("x\0y", 3));
  CHECK(json::serialize(root.at("gaps").at_pointer("/0")) ==
        R"({"kind":"denied","source":"pid-fd","member":"proc/1/fds","netns":4026531840,"pid":1,"tid":1,)"
        R"("errno":13,"errno_name":"EACCES","count":250,"detail":"x"})");
}

TEST_CASE("JSON: the ends and particulars of every family") {
  auto snapshot = test::snapshot();
  add_every_family(snapshot);
  const auto root = json::parse(render::render_json(all_rows(snapshot)));
  const auto& sockets = root.at("sockets").as_array();
  const auto ends = [&](std::size_t i) {
    return json::serialize(sockets[i].at("local")) + ' ' + json::serialize(sockets[i].at("peer"));
  };
  CHECK(ends(0) == R"({"interface":"eth0","interface_index":2} {})");
  CHECK(json::serialize(sockets[0].at("details").at("packet")) ==
        R"({"ethertype":3,"ethertype_name":"all","running":true,"version":2,"version_name":"TPACKET_V3",)"
        R"("flags":["running","auxdata","loss"],"flags_number":51,)"
        R"("rx_ring":{"block_size_bytes":4096,"block_count":8,"frame_size_bytes":2048,"frame_count":16},)"
        R"("tx_ring":{"block_size_bytes":1,"block_count":2,"frame_size_bytes":3,"frame_count":4},)"
        R"("fanout":{"id":7,"type":3,"type_name":"rollover"},)"
        R"("mclist":[{"interface":"eth0","interface_index":2,"type":1,"type_name":"promiscuous","count":1},)"
        R"({"interface_index":9,"type":99,"count":2,"address":"01:00:5e:00:00:fb"}],)"
        R"("filter":{"instructions":2,"code":[[40,0,0,12],[6,0,255,4294967295]],)"
        R"("text":["(000) ldh      [12]","(001) ret      #-1"],"words":"every packet"}})");
  CHECK(sockets[0].at("presence").as_string() == "came");
  CHECK(ends(1) == "{} {}");
  CHECK(json::serialize(sockets[1].at("details").at("packet")) ==
        R"({"ethertype":35020,"ethertype_name":"lldp","filter":{}})");
  CHECK(ends(2) == R"({"port_id":4711} {"port_id":0})");
  CHECK(json::serialize(sockets[2].at("details").at("groups")) == "[1,35]");
  CHECK(ends(3) == R"({"port_id":0} {"port_id":0})");
  CHECK(ends(4) == R"({"cid":4294967295,"any_cid":true,"port":1024} {"cid":4294967295,"any_cid":true,)"
                   R"("port":4294967295,"any_port":true})");
  CHECK(ends(5) == R"({"cid":2,"port":1024} {"cid":3,"port":4000000000})");
  CHECK(ends(6) == R"({"interface":"eth0","interface_index":2} {})");
  CHECK(json::serialize(sockets[6].at("details").at("xdp")) ==
        R"({"queue_id":3,"umem_id":1,"rx_ring_entries":2048,"tx_ring_entries":1024,"fill_ring_entries":512,)"
        R"("completion_ring_entries":256})");
  CHECK(ends(7) == R"({"node":16781313,"port":3000000000} {})");
  CHECK(ends(8) == R"({"address":"10.0.0.5","port":443} {"address":"0.0.0.0","port":0})");
  CHECK(json::serialize(sockets[9].at("details")) ==
        R"({"sctp_info":{"sctpi_tag":5},"addresses":["10.0.0.5","10.0.1.5"],"peer_addresses":["10.0.0.6","10.0.1.6"]})");
  CHECK(json::serialize(sockets[11].at("details")) == R"({"mptcp_info":{"mptcpi_subflows":2}})");
  // Known by its fd only.
  CHECK(ends(14) == "{} {}");
}

TEST_CASE("JSON: who a process is") {
  const auto snapshot = full();
  const auto root = json::parse(render::render_json(all_rows(snapshot)));
  CHECK(json::serialize(root.at_pointer("/processes/0")) ==
        R"({"pid":80,"start_ticks":8000,"start_time":"2026-11-21T19:41:20.000Z","ppid":1,"uid":0,"user":"root",)"
        R"("euid":0,"effective_user":"root","comm":"python3","cmdline":["python3"],"namespaces":{},)"
        R"("kernel_thread":false,"fds_readable":true,"fd_count":0})");
  CHECK(json::serialize(root.at_pointer("/processes/1")) ==
        R"({"pid":81,"start_ticks":8100,"start_time":"2026-11-21T19:41:21.000Z","start_time_error_nsec":10000000,)"
        R"("ppid":80,"parents":[80],"session":80,"uid":0,"user":"root","euid":33,"effective_user":"www-data","gid":33,)"
        R"("egid":33,"login_uid":0,"login_user":"root","audit_session":7,"capabilities":{"effective":"8000000000001000",)"
        R"("permitted":"000001ffffffffff","bounding":"0000000000000000","effective_names":["cap_net_admin","cap_63"]},)"
        R"x("security_label":"unconfined\\xff","ns_pids":[81,1],"comm":"sh","exe":"/usr/bin/dash (deleted)",)x"
        R"("exe_sha256":")" + std::string(64, 'a') + R"(","exe_deleted":true,"exe_memfd":true,"other_mount_namespace":true,"cmdline":["sh"],"environ":["HOME=/root",""],"cwd":"/","root":"/",)"
        R"("cgroup":"/system.slice/x.service","container":{"runtime":"docker","id":")" + std::string(64, 'a') +
            R"("},"pod_uid":"6f9619ff-8b86-d011-b42d-00cf4fc964ff","unit":"x.service","user_unit":true,)"
            R"("namespaces":{"net":4026531840,"pid":4026531836},"kernel_thread":false,"zombie":true,"living_thread":83,)"
            R"("mounted_over":"/proc/81","forked_only":true,"fds_readable":true,"fd_count":0})");
  CHECK(json::serialize(root.at_pointer("/namespaces/2")) == R"({"own":false,"unknown":true})");
  CHECK(json::serialize(root.at("sockets").as_array().back().at("netns")) == R"({"unknown":true})");
}

TEST_CASE("JSON: how owners came to a socket, and why there are none") {
  const auto snapshot = full();
  const auto root = json::parse(render::render_json(all_rows(snapshot)));
  const auto owner_text = [&](const std::string& number) {
    const auto text = json::serialize(root.at_pointer("/sockets/0/owners/" + number));
    return text.substr(text.find(R"("fds")"));
  };
  CHECK(owner_text("1") == R"("fds":[38],"tid":82,"via":"fd","certainty":"certain","origin":"inherited",)"
                           R"("origin_certainty":"probable","origin_evidence":["ancestor-holds","other-fd"],)"
                           R"("inherited_from":{"pid":80,"start_ticks":8000}})");
  CHECK(owner_text("2") == R"("fds":[4],"registered_files":[0,3],"via":"io_uring","certainty":"certain",)"
                           R"("origin":"passed","origin_certainty":"possible","passed_by":{"pid":80,"start_ticks":8000}})");
  CHECK(json::serialize(root.at_pointer("/sockets/2/ownerless_reason")) ==
        R"({"code":"unreadable","detail":"pid 1\u001b","candidate_count":40,"candidates":[{"pid":81,"start_ticks":8100}]})");
  CHECK(json::serialize(root.at_pointer("/sockets/0/links")) ==
        R"([{"tie":"peer","certainty":"certain","netns":4026531840,"family":"inet6","protocol":"tcp","inode":4711,)"
        R"("cookie":"4660"}])");
  CHECK(json::serialize(root.at_pointer("/sockets/0/peer_owners")) ==
        R"([{"pid":80,"start_ticks":8000,"comm":"python3"},{"pid":81,"start_ticks":8100,"comm":"sh"}])");
  CHECK(!root.at_pointer("/sockets/1").as_object().contains("links"));
}

TEST_CASE("JSON: ancestors, where a pid was used again and where ppids run in a circle") {
  auto snapshot = test::snapshot();
  for (const auto& [pid, ppid] : {std::pair(1, 0), {80, 1}, {80, 0}, {81, 80}, {90, 91}, {91, 90}, {92, 92}})
    snapshot.processes.push_back(process(pid, "x", ppid));
  snapshot.processes[2].start_ticks = 8200;  // after 81, whose parent it can't be
  snapshot.processes[4].start_ticks = snapshot.processes[5].start_ticks = 9000;
  const auto chains = [&] {
    const auto root = json::parse(render::render_json(all_rows(snapshot)));
    std::string out;
    for (const auto& process : root.at("processes").as_array()) {
      const auto* parents = process.as_object().if_contains("parents");
      out += parents == nullptr ? "- " : json::serialize(*parents) + ' ';
    }
    return out;
  };
  CHECK(chains() == "- [1] - [80,1] [91] - - ");
  snapshot.processes[2].start_ticks = 8050;
  CHECK(chains() == "- [1] - [80] [91] - - ");
  // As deep as an archive claims.
  snapshot.processes.clear();
  for (int pid = 1; pid <= 5000; ++pid) snapshot.processes.push_back(process(pid, "x", pid - 1));
  const auto root = json::parse(render::render_json(all_rows(snapshot)));
  CHECK(root.at_pointer("/processes/4999/parents").as_array().size() == 128);
}

TEST_CASE("JSON: the account") {
  const auto snapshot = full();
  const auto root = json::parse(render::render_json(all_rows(snapshot)));
  CHECK(json::serialize(root.at("account")) ==
        R"({"tables":[{"netns":4026531840,"table":"tcp","dumped":3,"listed":4,"both":2,"counter":-1,"countable":5,)"
        R"("explained":["1 came"],"unexplained":1},{"table":"vs\\xffock","both":0,"explained":[],"unexplained":0}],)"
        R"("held":{"inodes":10,"in_tables":9,"explained":["1 went"],"unexplained":0}})");
  CHECK(json::serialize(root.at_pointer("/sockets/0/details/tcp_info")) ==
        R"({"tcpi_rtt":1500,"unnamed":[{"offset":280,"value":18446744073709551615}]})");
  CHECK(json::serialize(root.at_pointer("/sockets/0/details/subflow")) ==
        R"({"local_token":1,"remote_token":2,"local_id":3,"remote_id":4})");
  CHECK(root.at_pointer("/sockets/0/details/cgroup").as_string() == "/system.slice/\\xff");
  CHECK(json::serialize(root.at_pointer("/sockets/0/owners/0/passes")) == "[1,2]");
  CHECK(!root.at_pointer("/sockets/0/owners/1").as_object().contains("passes"));
}

namespace {

// With every field that there is.
model::Findings all_of_findings() {
  model::Findings findings;
  findings.checked = {"drops", "orphans"};
  auto& finding = findings.findings.emplace_back();
  finding.id = "drops";
  finding.severity = model::Severity::low;
  finding.level = model::FindingLevel::explained;
  finding.sentence = "one\xff";
  finding.explanation = "why";
  finding.details = {"more"};
  finding.sockets = {0};
  finding.processes = {0};
  finding.evidence = {{"proc/1/links", 7, "exe", 1, 2}};
  findings.unchecked = {{"orphans", "not \xff"}};
  return findings;
}

}  // namespace

TEST_CASE("JSON: findings, and where rules could not look") {
  const auto snapshot = scene();
  const auto findings = all_of_findings();
  const auto root = json::parse(render::render_json(all_rows(snapshot), false, {}, &findings));
  CHECK(json::serialize(root.at("findings")) ==
        R"([{"id":"drops","severity":"low","level":"explained","sentence":"one\\xff","explanation":"why","details":["more"],)"
        R"("sockets":[{"netns":4026531840,"family":"inet6","protocol":"tcp","inode":4711,"cookie":"4660","state":"LISTEN",)"
        R"("local":{"address":"::","port":8080},"peer":{"address":"::","port":0}}],)"
        R"("processes":[{"pid":80,"start_ticks":8000,"comm":"python3"}],)"
        R"("evidence":[{"member":"proc/1/links","offset":7,"part":"exe","begin_nsec":1,"end_nsec":2}]}])");
  CHECK(json::serialize(root.at("rules")) ==
        R"([{"id":"drops","title":"packets or messages that a socket dropped","found":1,"unchecked":[]},)"
        R"({"id":"orphans","title":"many connections without a process","found":0,"unchecked":["not \\xff"]}])");
}

TEST_CASE("JSON holds to the schema, and the schema holds nothing else") {
  const auto snapshot = full();
  const auto findings = all_of_findings();
  Validator whole;
  whole.check(json::parse(render::render_json(all_rows(snapshot), true, {}, &findings)), schema().as_object(), "");
  // Lists that are not told whole, of a copy of /proc that says nothing of its byte order.
  auto crowd = test::snapshot();
  crowd.host.byte_order = model::HostByteOrder{base::ByteOrder::big, model::HostByteOrder::From::deduced, "7F000001 is 127.0.0.1"};
  auto listener = inet_socket(model::kProtocolTcp, model::kStateListen, any_v4(), 80);
  for (std::uint32_t i = 0; i < 300; ++i) {
    crowd.processes.push_back(process(100 + i, std::string(5000, 'x')));
    listener.owners.push_back(owner(static_cast<std::uint32_t>(crowd.processes.size() - 1), {3}));
  }
  const auto first = static_cast<std::uint32_t>(crowd.sockets.size());
  crowd.sockets.push_back(std::move(listener));
  crowd.sockets.push_back(inet_socket(model::kProtocolTcp, model::kStateEstab, ip({10, 0, 0, 1}), 80));
  crowd.sockets.back().links.push_back({first, model::Tie::listener, model::Certainty::certain});
  whole.check(json::parse(render::render_json(all_rows(crowd), true)), schema().as_object(), "");
  for (const auto& error : whole.errors) FAIL_CHECK(error);

  Validator lines;
  std::istringstream text(render::render_ndjson(all_rows(snapshot), true, {}, &findings));
  std::set<std::string> types;
  for (std::string line; std::getline(text, line);) {
    const auto value = json::parse(line);
    types.insert(std::string(value.at("type").as_string()));
    lines.check(value, schema().at_pointer("/$defs/ndjson_line").as_object(), "");
  }
  for (const auto& error : lines.errors) FAIL_CHECK(error);
  CHECK(types ==
        std::set<std::string>{"account", "capture", "finding", "gap", "held", "host", "namespace", "pair", "problem",
                              "process", "rule", "socket"});
  // A field that nothing fills in is a field that is not there.
  for (const auto& [name, definition] : schema().at("$defs").as_object()) {
    if (name == "ndjson_line") continue;
    CHECK(whole.used.contains("/$defs/" + std::string(name)));
    for (const auto& [key, rule] : definition.at("properties").as_object()) {
      const auto suffix = '.' + std::string(key);
      const bool seen = std::any_of(whole.used.begin(), whole.used.end(),
                                    [&](const std::string& path) { return path.ends_with(suffix); });
      if (!seen && key != "type") FAIL_CHECK(std::string(name) + suffix + " is in the schema only");
    }
  }
  // The validator itself refuses what it should.
  Validator strict;
  strict.check(json::parse(R"({"type":"gap","kind":"odd","source":1,"extra":0})"),
               schema().at_pointer("/$defs/ndjson_line").as_object(), "");
  CHECK(strict.errors.size() == 4);
}

TEST_CASE("JSON: nothing that a terminal acts on, and the values come back") {
  auto snapshot = scene();
  const auto hostile =
      "\x1b[2J\xc2\x9b"
      "1m\xe2\x80\xae\x7f\n\xff"s;
  snapshot.processes[0].comm = hostile;
  snapshot.processes[0].exe = hostile;
  snapshot.processes[0].cmdline = {{hostile}};
  snapshot.host.nodename = hostile;
  snapshot.members[0] = hostile;
  for (const auto& text :
       {render::render_json(all_rows(snapshot)), render::render_ndjson(all_rows(snapshot))}) {
    CHECK(std::all_of(text.begin(), text.end(),
                      [](unsigned char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); }));
  }
  const auto root = json::parse(render::render_json(all_rows(snapshot)));
  CHECK(root.at("host").at("nodename").as_string() ==
        "\x1b[2J\xc2\x9b"
        "1m\xe2\x80\xae\x7f\n\\xff");
}

TEST_CASE("JSON: 2,500 owners are all there") {
  auto snapshot = scene();
  for (std::uint32_t i = 0; i < 2498; ++i) {
    snapshot.processes.push_back(process(1000 + i, "worker", 80));
    snapshot.sockets[0].owners.push_back(inherited(2 + i, {3}, 0));
  }
  const auto root = json::parse(render::render_json(all_rows(snapshot)));
  CHECK(root.at_pointer("/sockets/0/owners").as_array().size() == 2500);
  CHECK(root.at("processes").as_array().size() == 2500);
}

TEST_CASE("JSON of an empty snapshot, and indexes that lead nowhere") {
  model::Snapshot empty;
  CHECK(render::render_json(all_rows(empty)) ==
        "{\n\"host\": {\"clk_tck\":100},\n\"capture\": {\"arguments\":[],\"case\":[],\"incomplete\":false,"
        "\"processes_found\":0,\"processes_read\":0},\n\"namespaces\": [],\n\"processes\": [],\n\"sockets\": "
        "[],\n"
        "\"gaps\": [],\n\"problems\": [],\n\"account\": {\n\"tables\": [],\n\"held\": "
        "{\"inodes\":0,\"in_tables\":0,\"explained\":[],\"unexplained\":0}\n}\n}\n");
  model::Socket socket;
  socket.netns = 7;
  socket.owners.push_back(inherited(9, {1}, 9));
  socket.links = {{9, model::Tie::peer, model::Certainty::certain}};
  socket.sightings.push_back({model::View::inet_diag, 1, 9, 0});
  empty.sockets.push_back(std::move(socket));
  const auto root = json::parse(render::render_json(all_rows(empty)));
  CHECK(root.at_pointer("/sockets/0/netns").as_object().empty());
  CHECK(json::serialize(root.at_pointer("/sockets/0/owners/0")) ==
        R"({"fds":[1],"via":"fd","certainty":"certain","origin":"inherited","origin_certainty":"probable"})");
}

TEST_CASE("JSON text is the same, however long its keys and words are") {
  render::JsonText out;
  std::string expected = "{";
  {
    render::Item item(out);
    for (std::size_t length = 1; length < 5000; length = length * 2 + 1) {
      const std::string key(length, 'k'), word(length, 'w');
      const std::string comma = length == 1 ? "" : ",", number = std::to_string(length);
      item.word(key, word);
      item.word(key, word + "\"\n");
      item.bytes(key, word + "\\");
      item.number(key, length);
      item.flag(key, true);
      expected += comma + '"' + key + "\":\"" + word + "\",\"" + key + "\":\"" + word + "\\\"\\n\",\"" + key + "\":\"" + word +
                  "\\\\\\\\\",\"" + key + "\":" + number + ",\"" + key + "\":true";
    }
  }
  out.close_all();
  CHECK(out.text() == expected + "}");
}
