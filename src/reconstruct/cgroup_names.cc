#include "reconstruct/cgroup_names.h"

#include <algorithm>

#include "reconstruct/passes.h"

namespace ssnap::reconstruct {
namespace {

enum class Id : std::uint8_t {
  digest,   // 64 lower-case hexadecimal digits
  name,     // of a machine, as it is
  escaped,  // of a machine, as systemd escapes it (unit_name_escape: "-" is \x2d)
};

// One form of a component that is a container's. `parent`: what the component before it must be; "": anything.
struct ContainerForm {
  std::string_view parent, prefix, suffix;
  Id id;
  std::string_view runtime;
};

// By the runtimes' cgroup drivers, cgroupfs and systemd. The first that matches counts.
constexpr ContainerForm kContainerForms[] = {
    {"", "docker-", ".scope", Id::digest, "docker"},
    {"docker", "", "", Id::digest, "docker"},
    {"", "libpod-", ".scope", Id::digest, "podman"},
    {"", "libpod-payload-", "", Id::digest, "podman"},  // --cgroups=split, within the unit that started it
    {"", "libpod-", "", Id::digest, "podman"},          // below libpod_parent
    {"", "cri-containerd-", ".scope", Id::digest, "containerd"},
    {"", "nerdctl-", ".scope", Id::digest, "containerd"},
    {"k8s.io", "", "", Id::digest, "containerd"},  // containerd's namespaces, where its client names no cgroup
    {"default", "", "", Id::digest, "containerd"},
    {"", "crio-", ".scope", Id::digest, "cri-o"},
    {"", "crio-", "", Id::digest, "cri-o"},
    {"", "lxc.payload.", "", Id::name, "lxc"},
    {"lxc.payload", "", "", Id::name, "lxc"},
    {"lxc", "", "", Id::name, "lxc"},
    {"", "systemd-nspawn@", ".service", Id::escaped, "systemd-nspawn"},
    {"", "machine-", ".scope", Id::escaped, "systemd-nspawn"},
    // Below a pod or a --cgroup-parent: any runtime's.
    {"", "", "", Id::digest, ""},
};

// libvirt registers with systemd-machined as well, as DRIVER-NUMBER-NAME: virtual machines, and containers of its own.
constexpr std::string_view kLibvirtMachines[] = {"qemu-", "lxc-", "xen-", "bhyve-", "ch-"};

constexpr std::string_view kUnitTypes[] = {".service", ".scope", ".mount", ".socket", ".swap"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

std::optional<std::string_view> strip(std::string_view text, std::string_view prefix, std::string_view suffix) {
  if (text.size() <= prefix.size() + suffix.size() || !text.starts_with(prefix) || !text.ends_with(suffix))
    return std::nullopt;
  return text.substr(prefix.size(), text.size() - prefix.size() - suffix.size());
}

// The reverse of unit_name_escape() of systemd: "-" stood for "/", \xHH for any byte. Machine names have no "/", so that
// a bare "-" is left as it is.
std::string unescape(std::string_view text) {
  const auto value = [](char c) { return static_cast<unsigned>(is_digit(c) ? c - '0' : c - 'a' + 10); };
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && text.size() - i >= 4 && text[i + 1] == 'x' && is_hex(text[i + 2]) && is_hex(text[i + 3])) {
      bytes += static_cast<char>(value(text[i + 2]) << 4 | value(text[i + 3]));
      i += 3;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

// "qemu-1-vm": of libvirt.
bool is_libvirt_machine(std::string_view name) {
  for (const std::string_view driver : kLibvirtMachines) {
    if (!name.starts_with(driver)) continue;
    const std::string_view rest = name.substr(driver.size());
    const auto digits = static_cast<std::size_t>(std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin());
    if (digits != 0 && digits < rest.size() && rest[digits] == '-') return true;
  }
  return false;
}

std::optional<model::Container> container_of(std::string_view parent, std::string_view component) {
  for (const ContainerForm& form : kContainerForms) {
    if (!form.parent.empty() && form.parent != parent) continue;
    const auto id = strip(component, form.prefix, form.suffix);
    if (!id || (form.id == Id::digest && !is_container_digest(*id))) continue;
    model::Container container{std::string(form.runtime), form.id == Id::escaped ? unescape(*id) : std::string(*id)};
    if (form.id == Id::escaped && is_libvirt_machine(container.id)) return std::nullopt;
    return container;
  }
  return std::nullopt;
}

// 8-4-4-4-12 digits, or the 32 of a static pod.
bool is_pod_uid(std::string_view text) {
  constexpr std::size_t kUuid = 36, kHash = 32;
  if (text.size() == kHash) return std::all_of(text.begin(), text.end(), is_hex);
  if (text.size() != kUuid) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

// The kubelet's names: "pod<uid>", and as a slice "kubepods-burstable-pod<uid with underscores>.slice".
std::string pod_of(std::string_view component) {
  std::string_view text = component;
  if (const auto slice = strip(component, "", ".slice")) {
    const auto pod = slice->rfind("-pod");
    if (slice->find("kubepods") == std::string_view::npos || pod == std::string_view::npos) return "";
    text = slice->substr(pod + 1);
  }
  const auto uid = strip(text, "pod", "");
  if (!uid) return "";
  std::string result(*uid);
  if (text.data() != component.data()) std::replace(result.begin(), result.end(), '_', '-');
  return is_pod_uid(result) ? result : "";
}

bool is_unit(std::string_view component) {
  return std::any_of(std::begin(kUnitTypes), std::end(kUnitTypes),
                     [&](std::string_view type) { return strip(component, "", type).has_value(); });
}

// Goes along the path, from the outermost cgroup to the innermost.
class Walk {
 public:
  void step(std::string_view component) {
    // runc and crun with the cgroupfs driver, told a path for systemd's: SLICE:PREFIX:ID.
    const auto first = component.find(':');
    const auto second = first == std::string_view::npos ? first : component.find(':', first + 1);
    if (second != std::string_view::npos) {
      step(component.substr(0, first));
      std::string scope = std::string(component.substr(first + 1)) + ".scope";
      scope[second - first - 1] = '-';
      if (auto container = container_of("", scope)) enter(std::move(*container));
      parent_ = component;
      return;
    }
    if (auto pod = pod_of(component); !pod.empty()) names_.pod_uid = std::move(pod);
    if (is_unit(component)) {
      // cg_escape() of systemd: a '_' before what would be a file of the kernel's.
      names_.unit = component.starts_with('_') ? component.substr(1) : component;
      names_.user_unit = in_user_manager_;
      if (strip(component, "user@", ".service")) in_user_manager_ = true;
    }
    if (auto container = container_of(parent_, component)) {
      enter(std::move(*container));
    } else if (component == "supervisor" && names_.container && names_.container->runtime == "systemd-nspawn") {
      names_.container = std::move(around_);  // systemd-nspawn itself, beside the container's "payload"
    }
    parent_ = component;
  }

  CgroupNames take() { return std::move(names_); }

 private:
  void enter(model::Container container) {
    around_ = std::move(names_.container);
    names_.container = std::move(container);
    in_user_manager_ = false;  // within it, units are of its own system manager
  }

  CgroupNames names_;
  std::optional<model::Container> around_;
  std::string_view parent_;
  bool in_user_manager_ = false;
};

}  // namespace

bool is_container_digest(std::string_view id) {
  constexpr std::size_t kDigits = 64;
  return id.size() == kDigits && std::all_of(id.begin(), id.end(), is_hex);
}

CgroupNames names_of_cgroup(std::string_view path) {
  Walk walk;
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (end != 0) walk.step(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return walk.take();
}

std::optional<std::string> telling_cgroup(const std::vector<decode::CgroupRow>& rows) {
  enum Rank { root, some, unit, container };
  const auto rank_of = [](std::string_view path) {
    if (path == "/") return root;
    const CgroupNames names = names_of_cgroup(path);
    return names.container ? container : names.unit.empty() ? some : unit;
  };
  const decode::CgroupRow* best = nullptr;
  Rank best_rank = root;
  for (const auto& row : rows) {
    if (row.hierarchy != 0) continue;
    best = &row;
    best_rank = rank_of(row.path);
  }
  const bool is_v2 = best_rank != root;
  for (const auto& row : rows) {
    if (row.hierarchy == 0) continue;
    const Rank rank = rank_of(row.path);
    if (best && (rank <= best_rank || (is_v2 && rank != container))) continue;
    best = &row;
    best_rank = rank;
  }
  return best ? std::optional(std::string(best->path)) : std::nullopt;
}

void name_cgroups(model::Snapshot& snapshot) {
  for (model::Process& process : snapshot.processes) {
    if (!process.cgroup) continue;
    CgroupNames names = names_of_cgroup(*process.cgroup);
    process.container = std::move(names.container);
    process.pod_uid = std::move(names.pod_uid);
    process.unit = std::move(names.unit);
    process.user_unit = names.user_unit;
  }
}

}  // namespace ssnap::reconstruct
