// ssnap extract: a snapshot -> a tree shaped like procfs, for the tools that read one.

#include <string>

#include "analyze/select.h"
#include "archive/directory.h"
#include "archive/reader.h"
#include "cli/command.h"
#include "cli/input.h"
#include "extract/extract.h"
#include "pipeline/member_table.h"
#include "pipeline/plain_tree.h"
#include "pipeline/replay.h"
#include "sandbox/sandbox.h"

namespace po = boost::program_options;

namespace ssnap::cli {
namespace {

using base::ExitCode;
using base::Failure;

// Of an unpacked archive every file; of a plain copy of /proc what analyze reads and the rest of net/: a live procfs
// holds files that block.
bool is_wanted_of_directory(std::string_view name, bool is_archive) {
  return is_archive || pipeline::is_wanted(name) || name.starts_with("proc/net/");
}

extract::MemberSource directory_source(const archive::Input& input) {
  return [&input](const archive::MemberVisitor& visit) -> base::Result<archive::ReadReport> {
    base::Problems problems;
    const auto tree = pipeline::survey_directory(input, problems);
    if (tree.has_error()) return tree.error();
    auto report = archive::read_directory(
        input,
        [&](std::string_view file) {
          const auto name = tree->member_name(file);
          return name && is_wanted_of_directory(*name, tree->is_archive());
        },
        [&](const archive::Member& member) {
          const auto name = tree->member_name(member.name);
          if (!name) return;
          archive::Member renamed = member;
          renamed.name = *name;
          visit(renamed);
        });
    if (report.has_value())
      for (auto& problem : problems.kept) report->problems.add(problem.offset, std::move(problem.message));
    return report;
  };
}

std::uint64_t find_namespace(const model::Snapshot& snapshot, const std::string& wanted) {
  const auto found = analyze::select_namespaces(snapshot, wanted);
  if (!found) throw Failure(ExitCode::failed, "no network namespace '" + wanted + "' in this snapshot; ssnap info lists them");
  if (wanted == "all" || found->size() != 1)
    throw Failure(ExitCode::usage, "--netns takes one network namespace, by name or inode: proc/net can be of one only");
  return snapshot.namespaces[found->front()].inode;
}

// Leaves no empty directory behind where there is no snapshot.
extract::Report fill(const archive::Input& input, extract::Tree& tree, const std::string& netns) {
  try {
    extract::MemberSource source;
    std::string bytes;
    extract::Options options;
    const auto find = [&](const base::Result<model::Snapshot>& snapshot) {
      if (snapshot.has_error()) fail(snapshot.error());
      options.netns = find_namespace(*snapshot, netns);
    };
    if (input.is_directory) {
      source = directory_source(input);
      if (!netns.empty()) find(pipeline::replay(input, {}));
    } else {
      auto read = archive::read_input(input);
      if (read.has_error()) fail(read.error());
      bytes = std::move(*read);
      if (!archive::looks_like_archive(bytes)) throw Failure(ExitCode::failed, input.name + ": no snapshot: it is no ssnap archive");
      source = [&bytes](const archive::MemberVisitor& visit) -> base::Result<archive::ReadReport> { return archive::read_archive(bytes, visit); };
      if (!netns.empty()) find(pipeline::replay_bytes(bytes, {}));
    }
    auto report = extract::extract(source, tree, options);
    if (report.has_error()) fail(report.error());
    return std::move(*report);
  } catch (const Failure&) {
    tree.discard();
    throw;
  }
}

struct Arguments {
  bool help = false;
  std::string directory, netns;
  std::vector<std::string> words;
};

po::options_description describe(Arguments& to) {
  po::options_description description("Options");
  description.add_options()
      ("directory,C", po::value(&to.directory)->value_name("DIR"), "where to: a new or an empty directory; nothing is ever overwritten")
      ("netns", po::value(&to.netns)->value_name("NAME|INODE"), "the network namespace that proc/net and ss/ are of; default: the host's own")
      ("help,h", flag(to.help), "this text");
  return description;
}

}  // namespace

CommandHelp extract_help() {
  static Arguments unused;
  return {"write a snapshot as a tree shaped like procfs, which ss and netstat can replay", "extract SNAPSHOT -C DIR [--netns NAME|INODE]",
          "The tree holds the files of the archive, and made from them proc/net, proc/PID/fd/N, exe, cwd, root, ns/... and\n"
          "ss/. It is a SNAPSHOT itself. With DIR on a tmpfs the tools meet processes in the order of procfs:\n\n"
          "  unshare -m sh -c 'mount --bind DIR/proc /proc && netstat -tunape'\n"
          "  PROC_ROOT=DIR/proc ss -tuwanpe\n"
          "  TCPDIAG_FILE=DIR/ss/all-tcp-udp PROC_ROOT=DIR/proc PROC_NET_UDP=/dev/null PROC_NET_UDP6=/dev/null ss -tuanpe",
          {describe(unused)}, "As root: DIR and a SNAPSHOT that is a directory are to be root's, or open to all. Root's rights over files of others are\n"
          "given up before anything is read.\n\n"
          "ss prints what it is fed, escape sequences too: no input for it from a host that you don't trust."};
}

int run_extract_command(const std::vector<std::string>& arguments) {
  Arguments given;
  po::options_description everything = describe(given);
  everything.add_options()("words", po::value(&given.words));
  po::positional_options_description positions;
  positions.add("words", -1);
  parse_options(arguments, everything, positions, "extract");
  if (given.help) return print(help_text("extract", extract_help())), 0;
  const auto& [help, directory, netns, words] = given;
  if (words.size() != 1) throw Failure(ExitCode::usage, "which snapshot? ssnap extract SNAPSHOT -C DIR");
  if (directory.empty()) throw Failure(ExitCode::usage, "where to? ssnap extract SNAPSHOT -C DIR");

  // The target is made first: there is no way to it from within.
  const archive::Input input = open_input(words.front());
  auto tree = extract::Tree::create(directory, input.is_directory ? input.fd.get() : -1);
  if (tree.has_error()) fail(tree.error());
  sandbox::enter({{input.fd.get()}, tree->root(), tree->parent()});
  const auto report = fill(input, *tree, netns);
  for (const auto& problem : report.read.problems.kept) say(problem.message);
  for (const auto& problem : report.left_out.kept) say("left out: " + problem.message);
  if (report.left_out.total > report.left_out.kept.size())
    say(std::to_string(report.left_out.total - report.left_out.kept.size()) + " more were left out");
  const bool cut = input.is_directory ? report.is_archive && !report.has_end : !report.read.sealed;
  if (!cut && report.read.problems.empty() && report.left_out.empty()) return 0;
  say("the tree is incomplete: " + std::string(cut ? "the snapshot was cut, or damaged" : "not everything could be read and made"));
  return static_cast<int>(ExitCode::incomplete);
}

}  // namespace ssnap::cli
