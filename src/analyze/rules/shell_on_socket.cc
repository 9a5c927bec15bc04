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
    if (scene.holdings(i).empty() || !is_interpreter(scene.process(i))) continue;
    const Scene::Holding *input = nullptr, *output = nullptr;
    for (const auto& holding : scene.holdings(i)) {
      const auto& socket = scene.socket(holding.socket);
      if (!is_ip(socket) || socket.state == model::kStateListen) continue;
      if (has_fd(*holding.owner, 0)) input = &holding;
      if (has_fd(*holding.owner, 1)) output = &holding;
    }
    if (input == nullptr || output == nullptr) continue;
    Text text;
    scene.put_process(text, i);
    text << ", an interpreter, reads its standard input from ";
    scene.put_socket(text, input->socket);
    text << " and writes its output to ";
    if (input->socket == output->socket) text << "it";
    else scene.put_socket(text, output->socket);
    auto& finding = scene.report(findings, rule, text, {input->socket, output->socket}, {i});
    scene.add_evidence(finding, i, "fds", "0");
    scene.add_evidence(finding, i, "fds", "1");
    scene.add_evidence(finding, i, "links", "exe");
  }
}

}  // namespace ssnap::analyze
