#include "reconstruct/cgroup_names.h"

#include "support/catch.h"
#include "unit/reconstruct/records_builder.h"

using namespace ssnap;
using namespace ssnap::reconstruct::test;
using namespace std::string_literals;
using reconstruct::CgroupNames;
using reconstruct::names_of_cgroup;

namespace {

const std::string kId(64, 'a'), kInner = std::string(32, 'b') + std::string(32, '0');
const std::string kPod = "74c13223-5a00-11e9-b385-42010a80018d", kPodSlice = "74c13223_5a00_11e9_b385_42010a80018d";

// "RUNTIME ID | POD | UNIT", the unit with "user:" before it where it is a user's.
std::string text(const std::string& path) {
  const CgroupNames names = names_of_cgroup(path);
  const std::string container = names.container ? names.container->runtime + " " + names.container->id : "none";
  return container + " | " + names.pod_uid + " | " + (names.user_unit ? "user:" : "") + names.unit;
}

}  // namespace

TEST_CASE("the forms of cgroup paths") {
  struct Row {
    std::string path, expected;
  };
  const std::string docker = "docker-" + kId + ".scope", user = "/user.slice/user-1000.slice/user@1000.service";
  const Row rows[] = {
      {"/", "none |  | "},
      {"", "none |  | "},
      // Docker: cgroupfs, systemd, rootless, with a parent of one's own.
      {"/docker/" + kId, "docker " + kId + " |  | "},
      {"/system.slice/" + docker, "docker " + kId + " |  | " + docker},
      {user + "/user.slice/" + docker, "docker " + kId + " |  | user:" + docker},
      {"/build/" + kId, " " + kId + " |  | "},
      {"/" + kId, " " + kId + " |  | "},
      // Podman: systemd, rootless, cgroupfs, split; conmon watches from outside.
      {"/machine.slice/libpod-" + kId + ".scope", "podman " + kId + " |  | libpod-" + kId + ".scope"},
      {"/machine.slice/libpod-" + kId + ".scope/container", "podman " + kId + " |  | libpod-" + kId + ".scope"},
      {"/machine.slice/machine-libpod_pod_" + kInner + ".slice/libpod-" + kId + ".scope",
       "podman " + kId + " |  | libpod-" + kId + ".scope"},
      {user + "/user.slice/libpod-" + kId + ".scope", "podman " + kId + " |  | user:libpod-" + kId + ".scope"},
      {"/libpod_parent/libpod-" + kId, "podman " + kId + " |  | "},
      {"/system.slice/web.service/libpod-payload-" + kId, "podman " + kId + " |  | web.service"},
      {"/machine.slice/libpod-conmon-" + kId + ".scope", "none |  | libpod-conmon-" + kId + ".scope"},
      // containerd: as a CRI runtime, nerdctl, without a client's cgroup.
      {"/system.slice/cri-containerd-" + kId + ".scope", "containerd " + kId + " |  | cri-containerd-" + kId + ".scope"},
      {"/system.slice/nerdctl-" + kId + ".scope", "containerd " + kId + " |  | nerdctl-" + kId + ".scope"},
      {"/k8s.io/" + kId, "containerd " + kId + " |  | "},
      {"/default/" + kId, "containerd " + kId + " |  | "},
      {"/system.slice/containerd.service/system.slice:cri-containerd:" + kId, "containerd " + kId + " |  | containerd.service"},
      // CRI-O.
      {"/machine.slice/crio-" + kId + ".scope", "cri-o " + kId + " |  | crio-" + kId + ".scope"},
      {"/pod_x/crio-" + kId, "cri-o " + kId + " |  | "},
      {"/system.slice/crio-conmon-" + kId + ".scope", "none |  | crio-conmon-" + kId + ".scope"},
      // LXC and LXD.
      {"/lxc/web", "lxc web |  | "},
      {"/lxc/101/ns/system.slice/ssh.service", "lxc 101 |  | ssh.service"},
      {"/lxc.payload.web/system.slice/ssh.service", "lxc web |  | ssh.service"},
      {"/lxc.payload/web", "lxc web |  | "},
      {"/lxc.monitor.web", "none |  | "},
      // systemd-nspawn, and what else registers as a machine.
      {"/machine.slice/machine-web.scope", "systemd-nspawn web |  | machine-web.scope"},
      {"/machine.slice/machine-my\\x2dweb.scope/payload/system.slice/ssh.service", "systemd-nspawn my-web |  | ssh.service"},
      {"/machine.slice/systemd-nspawn@my\\x2dweb.service/payload", "systemd-nspawn my-web |  | systemd-nspawn@my\\x2dweb.service"},
      {"/machine.slice/systemd-nspawn@web.service/supervisor", "none |  | systemd-nspawn@web.service"},
      {"/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator", "none |  | machine-qemu\\x2d1\\x2dvm.scope"},
      {"/machine.slice/machine-qemu\\x2dtest.scope", "systemd-nspawn qemu-test |  | machine-qemu\\x2dtest.scope"},
      // Kubernetes: cgroupfs, systemd, kind, static pods, runc told a slice.
      {"/kubepods/besteffort/pod" + kPod + "/" + kId, " " + kId + " | " + kPod + " | "},
      {"/kubepods/pod" + kPod + "/" + kId, " " + kId + " | " + kPod + " | "},
      {"/kubepods/burstable/pod" + kPod + "/crio-" + kId, "cri-o " + kId + " | " + kPod + " | "},
      {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kPodSlice + ".slice/cri-containerd-" + kId + ".scope",
       "containerd " + kId + " | " + kPod + " | cri-containerd-" + kId + ".scope"},
      {"/kubepods.slice/kubepods-pod" + kPodSlice + ".slice/" + docker, "docker " + kId + " | " + kPod + " | " + docker},
      {"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" + kPodSlice +
           ".slice/cri-containerd-" + kId + ".scope",
       "containerd " + kId + " | " + kPod + " | cri-containerd-" + kId + ".scope"},
      {"/kubepods/burstable/pod" + std::string(32, 'c') + "/" + kId, " " + kId + " | " + std::string(32, 'c') + " | "},
      {"/kubepods-besteffort-pod" + kPodSlice + ".slice:cri-containerd:" + kId, "containerd " + kId + " | " + kPod + " | "},
      // Nested: the innermost container and unit.
      {"/docker/" + kInner + "/kubepods/besteffort/pod" + kPod + "/" + kInner + "/docker/" + kId, "docker " + kId + " | " + kPod + " | "},
      {"/docker/" + kId + "/system.slice/nginx.service", "docker " + kId + " |  | nginx.service"},
      {user + "/user.slice/libpod-" + kId + ".scope/system.slice/nginx.service", "podman " + kId + " |  | nginx.service"},
      {"/docker/" + kId + "/machine.slice/machine-x.scope/supervisor", "docker " + kId + " |  | machine-x.scope"},
      // systemd's units.
      {"/system.slice/ssh.service", "none |  | ssh.service"},
      {"/system.slice/ssh.service/worker", "none |  | ssh.service"},
      {"/system.slice/system-getty.slice/getty@tty1.service", "none |  | getty@tty1.service"},
      {"/init.scope", "none |  | init.scope"},
      {"/system.slice/_cpu.service", "none |  | cpu.service"},
      {"/system.slice/mnt-data.mount", "none |  | mnt-data.mount"},
      {"/user.slice/user-1000.slice", "none |  | "},
      {"/user.slice/user-1000.slice/session-3.scope", "none |  | session-3.scope"},
      {user, "none |  | user@1000.service"},
      {user + "/init.scope", "none |  | user:init.scope"},
      {user + "/app.slice/foo.service", "none |  | user:foo.service"},
  };
  for (const Row& row : rows) {
    INFO(row.path);
    CHECK(text(row.path) == row.expected);
  }
}

TEST_CASE("what only looks like one of the forms is none of them") {
  for (const std::string& path :
       {"/docker/" + kId.substr(1), "/docker/" + kId + "a", "/docker/" + std::string(64, 'A'), "/docker/buildkit/x"s,
        "/system.slice/docker-.scope"s, "/docker-" + kId, "/lxc.payload."s, "/lxc"s, "/machine-.scope"s, "/.service"s,
        "/docker/"s, "//"s, "/kubepods/pod"s, "/kubepods/pod" + kPod + "x", "/kubepods-pod" + kPod.substr(1) + ".slice",
        "/other-pod" + kPodSlice + ".slice", "/a:b"s, "::"s, ":"s, "/\xff\n\x1b[2J"s, std::string(70'000, '/'),
        std::string("/\0/docker", 9)}) {
    INFO(path);
    const auto names = names_of_cgroup(path);
    CHECK_FALSE(names.container);
    CHECK(names.pod_uid.empty());
  }
  // Names that are bytes, and escapes that are cut.
  CHECK(names_of_cgroup("/lxc.payload.\xff\n").container->id == "\xff\n");
  CHECK(names_of_cgroup("/machine-a\\x2.scope").container->id == "a\\x2");
  CHECK(names_of_cgroup("/machine-a\\xzz\\x00.scope").container->id == "a\\xzz\0"s);
}

TEST_CASE("every prefix of a path is taken as it is") {
  const std::string path = "/kubepods.slice/kubepods-burstable-pod" + kPodSlice + ".slice:cri-containerd:" + kId +
                           "/machine-my\\x2dweb.scope/supervisor/user@1.service/a.service";
  for (std::size_t size = 0; size <= path.size(); ++size) {
    const auto names = names_of_cgroup(std::string_view(path).substr(0, size));
    CHECK((names.unit.empty() || path.find(names.unit) != std::string::npos));
  }
}

TEST_CASE("of the hierarchies of version 1 and 2 the telling path is kept") {
  const auto kept = [](std::vector<std::pair<std::uint32_t, std::string>> rows) {
    std::vector<decode::CgroupRow> decoded;
    for (auto& [hierarchy, path] : rows) decoded.push_back({hierarchy, {}, std::move(path)});
    return reconstruct::telling_cgroup(decoded);
  };
  CHECK_FALSE(kept({}));
  CHECK(kept({{0, "/"}}) == "/");
  CHECK(kept({{2, "/"}, {0, "/a"}}) == "/a");
  CHECK(kept({{2, "/b"}, {0, "/"}}) == "/b");
  CHECK(kept({{1, "/system.slice/b.service"}, {0, "/a"}}) == "/a");
  CHECK(kept({{1, "/docker/" + kId}, {0, "/system.slice/containerd.service"}}) == "/docker/" + kId);
  CHECK(kept({{1, "/docker/" + kId}, {0, "/lxc/web"}}) == "/lxc/web");
  CHECK(kept({{9, "/"}, {8, "/user.slice"}, {1, "/user.slice/a.service"}, {2, "/b.service"}}) == "/user.slice/a.service");
}

TEST_CASE("processes are named by their cgroups, and a namespace after its container") {
  Records records = make_records();
  add_process(records, 50, 1, 100, {});
  records.processes[50].cgroup = "/system.slice/docker-" + kId + ".scope";
  records.processes[50].namespaces["net"] = kNetns + 1;
  add_process(records, 60, 1, 100, {});
  records.processes[60].cgroup = "/lxc.payload.web";
  records.processes[60].namespaces["net"] = kNetns + 2;
  add_process(records, 70, 1, 100, {});
  const auto snapshot = run(std::move(records));
  CHECK(snapshot.processes.at(0).container->id == kId);
  CHECK(snapshot.processes[0].unit == "docker-" + kId + ".scope");
  CHECK(snapshot.processes.at(1).container->runtime == "lxc");
  CHECK_FALSE(snapshot.processes.at(2).container);
  CHECK(snapshot.namespaces.at(1).name == std::string(12, 'a'));
  CHECK(snapshot.namespaces.at(2).name == "web");
}
