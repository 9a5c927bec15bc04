// ssnap diff: two snapshots -> what is new, gone or changed.
#include <algorithm>
#include <string>

#include "analyze/diff.h"
#include "cli/analyze_filter.h"
#include "cli/byte_order.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/letters.h"
#include "cli/terminal.h"
#include "pipeline/replay.h"
#include "render/diff.h"

namespace po = boost::program_options;

namespace ssnap::cli {
namespace {

using analyze::kNew;
using analyze::kOld;
using analyze::Side;
using base::ExitCode;
using base::Failure;

using Snapshots = std::array<model::Snapshot, 2>;

struct Arguments {
  Letters letters;
  bool help = false, noise = false, exit_code = false;
  std::string format = "table", netns, byte_order;
  std::vector<std::string> words;
};

po::options_description describe(Arguments& to) {
  po::options_description description("Options");
  description.add_options()
      ("noise", flag(to.noise), "list what is otherwise only counted, too, and say why it is noise")
      ("exit-code", flag(to.exit_code), "exit with 5 if there are differences that are not noise")
      ("format", po::value(&to.format)->value_name("table|wide|json|ndjson|csv")->default_value(to.format),
       "wide: nothing wrapped; ndjson: one object a line")
      ("netns", po::value(&to.netns)->value_name("NAME|INODE|all"), "what is in this network namespace; default: all");
  add_byte_order(description, to.byte_order);
  description.add_options()("help,h", flag(to.help), "this text");
  return description;
}

// What can't be combined, said before anything is read.
void check(const Arguments& given) {
  constexpr const char* kFormats[] = {"table", "wide", "json", "ndjson", "csv"};
  if (std::find(std::begin(kFormats), std::end(kFormats), given.format) == std::end(kFormats))
    throw Failure(ExitCode::usage, "--format takes table, wide, json, ndjson or csv, not '" + given.format + "'");
  if (given.words.size() < 2)
    throw Failure(ExitCode::usage, "which snapshots? ssnap diff OLD NEW; ssnap diff --help lists the options");
  if (given.words[0] == "-" && given.words[1] == "-")
    throw Failure(ExitCode::usage, "standard input holds one snapshot: name a file for the other");
}

// Both, in the order in which they were named.
Snapshots read_both(const Arguments& given) {
  reconstruct::Options options;
  options.keep_net_tables = true;
  options.byte_order = parse_byte_order(given.byte_order);
  Snapshots snapshots;
  const auto inputs = open_inputs_confined({given.words[kOld], given.words[kNew]});
  for (const Side side : {kOld, kNew}) {
    auto replayed = pipeline::replay(inputs[side], options);
    if (replayed.has_error()) fail(replayed.error());
    snapshots[side] = std::move(*replayed);
    tell_byte_order(snapshots[side], given.words[side], options.byte_order);
  }
  return snapshots;
}

// A name that one of the two lacks selects nothing there; one that neither has is an error.
std::array<std::optional<analyze::Filter>, 2> look_up(const analyze::FilterSyntax& syntax, const Snapshots& snapshots) {
  std::array<std::optional<analyze::Filter>, 2> filters;
  for (const Side side : {kOld, kNew})
    if (auto filter = analyze::resolve_filter(syntax, snapshots[side]); filter.has_value()) filters[side] = std::move(*filter);
  if (!filters[kOld] && !filters[kNew]) (void)look_up_filter(syntax, snapshots[kOld]);
  return filters;
}

analyze::DiffScope scope_of(const Arguments& given, const analyze::FilterSyntax& syntax, const Snapshots& snapshots) {
  auto scope = analyze::whole_scope(snapshots[kOld], snapshots[kNew]);
  analyze::Selection selection = selection_of(given.letters);
  if (syntax.speaks_of(analyze::Subject::state)) selection.all = true;
  const auto filters = look_up(syntax, snapshots);
  scope.narrowed = selection.has_table_or_state() || (filters[kOld] && !filters[kOld]->empty()) || (filters[kNew] && !filters[kNew]->empty());
  const std::string wanted = given.netns.empty() ? "all" : given.netns;
  bool found = false;
  for (const Side side : {kOld, kNew}) {
    const model::Snapshot& snapshot = snapshots[side];
    auto& shown = scope.namespaces[side];
    std::fill(shown.begin(), shown.end(), false);
    if (const auto namespaces = analyze::select_namespaces(snapshot, wanted)) {
      found = true;
      for (const std::uint32_t index : *namespaces) shown[index] = true;
    }
    for (std::size_t i = 0; i < snapshot.sockets.size(); ++i) {
      const model::Socket& socket = snapshot.sockets[i];
      scope.sockets[side][i] = shown.at(socket.netns) && analyze::selects(selection, socket) && filters[side] && filters[side]->matches(snapshot, socket);
    }
  }
  if (!found) throw Failure(ExitCode::failed, "no network namespace '" + wanted + "' in either snapshot");
  scope.holders_only = scope.narrowed || wanted != "all";
  return scope;
}

std::string render(const Arguments& given, const render::DiffView& view) {
  if (given.format == "json") return render::render_diff_json(view);
  if (given.format == "ndjson") return render::render_diff_ndjson(view);
  if (given.format == "csv") return render::render_diff_csv(view, !given.letters.no_header);
  render::Style style = terminal_style();
  add_to_style(given.letters, style);
  if (given.format == "wide") style.width.reset();
  style.netns_column = view.before.namespaces.size() > 1 || view.after.namespaces.size() > 1;
  return render::render_diff_table(view, style);
}

}  // namespace

CommandHelp diff_help() {
  static Arguments unused;
  return {"show what is new, gone or changed between two snapshots", "diff OLD NEW [SWITCH]... [OPTION]... [FILTER]...",
          "OLD and NEW are snapshots as for analyze; one of them may be - for standard input. Sockets, their owners, listeners,\n"
          "processes, network namespaces, interfaces and routes are compared. SWITCHES and FILTER select sockets as in analyze, of\n"
          "either snapshot; then of processes their holders only are compared, and of the rest nothing.\n\n"
          "Within a boot, sockets are matched by cookie, inode or address, processes by pid and start. Another boot, or another\n"
          "host, has only in common what stays meaningful: listeners by address and protocol, everything else by program\n"
          "(executable, script, user, unit or container) and the address that it is connected to.",
          {selecting_options(unused.letters), describe(unused)},
          "Noise is counted, not listed: a connection replaced by another of the same program to the same peer; a process or\n"
          "holder replaced by another of the same program; connections being opened or closed; sockets without a name; what is\n"
          "the kernel's own or the collector's. Between boots also numbers of alike things, and who connects to listeners.\n"
          "A ? marks what the other snapshot could not have shown; why is said beside it."};
}

int run_diff_command(const std::vector<std::string>& arguments) {
  Arguments given;
  po::options_description all = selecting_options(given.letters);
  all.add(describe(given)).add(refused_options(Tool::ssnap));
  all.add_options()("words", po::value(&given.words));
  po::positional_options_description positions;
  positions.add("words", -1);
  parse_options(arguments, all, positions, "diff");
  if (given.help) return print(help_text("diff", diff_help())), 0;
  check(given);
  const auto syntax = read_filter({given.words.begin() + 2, given.words.end()}, host_family(given.letters));
  (void)selection_of(given.letters);

  const Snapshots snapshots = read_both(given);
  const auto diff = analyze::diff_snapshots(snapshots[kOld], snapshots[kNew], scope_of(given, syntax, snapshots));
  print(render(given, {diff, snapshots[kOld], snapshots[kNew], given.noise}));
  if (given.exit_code && diff.noise[0] != 0) return static_cast<int>(ExitCode::unexpected);
  if (!snapshots[kOld].capture.incomplete && !snapshots[kNew].capture.incomplete) return 0;
  say("a snapshot is incomplete: it was cut, or damaged; what could be read is compared (ssnap info says more)");
  return static_cast<int>(ExitCode::incomplete);
}

}  // namespace ssnap::cli
