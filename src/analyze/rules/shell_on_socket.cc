// A shell or interpreter whose standard input and output are an internet socket: what a reverse or bind shell looks like.
#include <algorithm>
#include <iterator>

#include "analyze/rules/rules.h"

namespace ssnap::analyze {
namespace {

// By the base name of the executable, without a version at its end ("python3.11", "lua5.4").
constexpr std::string_view kInterpreters[] = {"ash", "awk", "bash", "csh", "dash", "elvish", "fish", "gawk", "irb", "julia", "ksh", "lksh", "lua", "luajit",
                                              "mawk", "mksh", "node", "nodejs", "nu", "perl", "php", "php-cgi", "pwsh", "pypy", "python", "rbash", "rc", "ruby",
                                              "sh", "tclsh", "tcsh", "yash", "zsh"};

std::string base_name(std::string_view path) {
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  std::string name(path.substr(path.rfind('/') + 1));
  while (!name.empty() && (name.back() == '.' || name.back() == '-' || (name.back() >= '0' && name.back() <= '9'))) name.pop_back();
  return name;
}

bool is_interpreter(const model::Process& process) {
  // Busybox is what it is called as; of an executable that could not be read its name is all there is.
  auto name = process.exe ? base_name(*process.exe) : base_name(process.comm);
  if (name == "busybox" || name == "toybox") name = base_name(process.comm);
  return std::binary_search(std::begin(kInterpreters), std::end(kInterpreters), std::string_view(name));
}

bool has_fd(const model::Owner& owner, std::uint32_t fd) {
  return owner.via == model::Via::fd && std::binary_search(owner.fds.begin(), owner.fds.end(), fd);
}

}  // namespace

void find_shell_on_socket(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  for (std::uint32_t i = 0; i < scene.snapshot.processes.size(); ++i) {
    if (scene.holdings(i).empty() || !is_interpreter(scene.snapshot.processes[i])) continue;
    std::vector<std::uint32_t> input, output;
    for (const auto& [socket, owner] : scene.holdings(i)) {
      const auto& one = scene.snapshot.sockets[socket];
      if (!is_ip(one) || one.state == model::kStateListen) continue;
      if (has_fd(*owner, 0)) input.push_back(socket);
      if (has_fd(*owner, 1)) output.push_back(socket);
    }
    if (input.empty() || output.empty()) continue;
    std::string sentence = scene.process_at_home(i) + ", an interpreter, has ";
    sentence += input == output ? scene.socket(input.front()) + " for its standard input and output"
                                : scene.socket(input.front()) + " for its standard input and " + scene.socket(output.front()) + " for its output";
    auto sockets = input;
    sockets.insert(sockets.end(), output.begin(), output.end());
    auto finding = scene.finding(rule, std::move(sentence), std::move(sockets), {i});
    scene.add_evidence(finding, i, "fds", "0");
    scene.add_evidence(finding, i, "fds", "1");
    scene.add_evidence(finding, i, "links", "exe");
    findings.push_back(std::move(finding));
  }
}

}  // namespace ssnap::analyze
