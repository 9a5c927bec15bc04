// ssnap verify: is a snapshot whole, and is it what was captured?
#include <string>

#include "archive/reader.h"
#include "archive/verify.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/input.h"
#include "render/escape.h"
#include "render/words.h"

namespace ssnap::cli {
namespace {

using archive::Verdict;

std::string_view verdict_word(Verdict verdict) {
  switch (verdict) {
    case Verdict::intact: return "intact";
    case Verdict::incomplete: return "incomplete";
    case Verdict::altered: return "ALTERED";
  }
  return "";
}

std::string end_text(const archive::EndInfo& end) {
  std::string text;
  switch (end.status) {
    case archive::EndStatus::complete: text = "complete"; break;
    case archive::EndStatus::interrupted:
      text = "interrupted" + (end.signal ? " by signal " + std::to_string(*end.signal) : "");
      break;
    case archive::EndStatus::limit: text = "ended by a limit"; break;
    case archive::EndStatus::error: text = "ended by an error"; break;
  }
  if (!end.detail.empty()) text += " (" + render::escape_terminal(end.detail) + ")";
  text += ", " + base::rfc3339_utc(end.clocks.realtime_nsec, 3);
  std::uint64_t gaps = 0;
  for (const auto& [kind, count] : end.gaps) gaps += count;
  return text + ", " + render::count(gaps, "gap");
}

std::string report_text(const std::string& name, const archive::VerifyReport& report) {
  std::string out = render::escape_terminal(name) + ": " + std::string(verdict_word(report.verdict())) + "\n";
  const auto line = [&](std::string_view label, const std::string& value) {
    std::string padded = "  " + std::string(label);
    padded.resize(12, ' ');
    out += padded + value + "\n";
  };
  if (!report.sha256.empty()) line("sha256", report.sha256);
  if (report.frames > 0)
    line("file", render::count(report.bytes, "byte") + ", " + render::count(report.frames, "frame") +
                     (report.sealed ? ", sealed" : ", no valid seal"));
  line("members", std::to_string(report.members) + (report.manifest_lines > 0 ? "; the manifest has " + std::to_string(report.manifest_lines)
                                                                                : "; no manifest"));
  if (report.journal_parts > 0)
    line("journal", render::count(report.journal_parts, "part") + "; the chain holds for the first " +
                        render::count(report.chained_bytes, "byte"));
  if (report.end) line("capture", end_text(*report.end));
  for (const auto& finding : report.findings) {
    out += "  " + std::string(finding.verdict == Verdict::altered ? "altered" : "incomplete") + ": ";
    if (!finding.member.empty()) out += render::escape_terminal(finding.member) + ": ";
    out += render::escape_terminal(finding.message);
    if (finding.offset) out += " (at byte " + std::to_string(*finding.offset) + ")";
    out += "\n";
  }
  if (report.finding_count > report.findings.size())
    out += "  and " + std::to_string(report.finding_count - report.findings.size()) + " more like these\n";
  return out;
}

}  // namespace

CommandHelp verify_help() {
  return {"check that a snapshot is whole and is what was captured", "verify SNAPSHOT",
          "Holds the archive against all that it says about itself: every frame's checksum, the seal over the whole file,\n"
          "the manifest both ways, the journal's chain, sizes and counts. A directory has its manifest only.\n"
          "Whoever alters an archive can also seal it anew: keep the SHA-256 that capture printed, or a signature.",
          {help_options()}, "Exit codes: 0 intact; 3 incomplete: cut or unsealed, nothing contradicts anything; 4 altered."};
}

int run_verify_command(const std::vector<std::string>& arguments) {
  const auto words = parse_words(arguments, "verify", verify_help);
  if (!words) return 0;
  if (words->size() != 1) throw base::Failure(base::ExitCode::usage, "which snapshot? ssnap verify SNAPSHOT");
  const archive::Input input = open_input_confined(words->front());
  archive::VerifyReport report;
  if (input.is_directory) {
    auto verified = archive::verify_directory(input);
    if (verified.has_error()) fail(verified.error());
    report = std::move(*verified);
  } else {
    const auto bytes = archive::read_input(input);
    if (bytes.has_error()) fail(bytes.error());
    if (!archive::looks_like_archive(*bytes))
      throw base::Failure(base::ExitCode::failed, input.name + " is no ssnap archive (no zstd frame at its start)");
    report = archive::verify_archive(*bytes);
  }
  print(report_text(input.name, report));
  switch (report.verdict()) {
    case Verdict::intact: return 0;
    case Verdict::incomplete: return static_cast<int>(base::ExitCode::incomplete);
    case Verdict::altered: return static_cast<int>(base::ExitCode::altered);
  }
  return 0;
}

}  // namespace ssnap::cli
