// ssnap capture: this host -> an archive.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "archive/member.h"
#include "archive/sink.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/text_cursor.h"
#include "capture/capture.h"
#include "capture/clock.h"
#include "capture/output_file.h"
#include "cli/command.h"
#include "cli/stop_signals.h"
#include "render/escape.h"

namespace po = boost::program_options;

namespace ssnap::cli {
namespace {

using base::ExitCode;
using base::Failure;

// --timeout: a year. Beyond it somebody has mistaken the unit.
constexpr std::uint64_t kMaxTimeoutSec = 366ull * 24 * 3600;

// ssnap-HOST-YYYYmmddTHHMMSSZ.tar.zst
std::string default_name() {
  utsname names{};
  const std::string host = ::uname(&names) == 0 ? archive::percent_escape(names.nodename) : "host";
  std::string time = base::rfc3339_utc(capture::realtime_nsec(), 0);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return "ssnap-" + host + "-" + time + ".tar.zst";
}

archive::FdSink standard_output() {
  if (::isatty(STDOUT_FILENO))
    throw Failure(ExitCode::usage,
                  "an archive is nothing for a terminal: redirect standard output, or name a file with -o");
  struct stat status {};
  const bool is_file = base::file_status(STDOUT_FILENO, status) && S_ISREG(status.st_mode);
  return archive::FdSink(base::Fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)), is_file);
}

std::string human_bytes(std::uint64_t bytes) {
  char text[32];
  if (bytes < 10'000) std::snprintf(text, sizeof text, "%llu bytes", static_cast<unsigned long long>(bytes));
  else if (bytes < 10'000'000) std::snprintf(text, sizeof text, "%.1f kB", static_cast<double>(bytes) / 1e3);
  else std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text;
}

class ProgressLine {
 public:
  explicit ProgressLine(bool shown) : shown_(shown) {}
  ~ProgressLine() { clear(); }
  void show(const capture::CaptureProgress& progress) {
    if (!shown_) return;
    // Often enough for the eye, and not a line for each file in a log.
    const auto now = std::chrono::steady_clock::now();
    const bool is_new_stage = stage_ != progress.stage;
    if (!is_new_stage && now - drawn_ < std::chrono::milliseconds(100)) return;
    drawn_ = now;
    stage_ = progress.stage;
    std::string text = std::string("\r\x1b[Kssnap: ") + progress.stage + " " + std::to_string(progress.done) + "/" +
                       std::to_string(progress.total) + ", " + human_bytes(progress.compressed_bytes) + " written";
    if (text == last_) return;
    std::fputs(text.c_str(), stderr);
    last_ = std::move(text);
  }
  void clear() {
    if (!last_.empty()) std::fputs("\r\x1b[K", stderr);
    last_.clear();
  }

 private:
  bool shown_;
  std::string last_, stage_;
  std::chrono::steady_clock::time_point drawn_;
};

// "250 denied, 3 vanished"
std::string gap_text(const std::map<std::string, std::uint64_t>& gaps) {
  std::string text;
  for (const auto& [kind, count] : gaps) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  return text;
}

// "2", "0.25": nanoseconds; nullopt for anything else, and for 0.
std::optional<std::uint64_t> parse_seconds(std::string_view text) {
  const auto dot = text.find('.');
  std::string fraction(dot == std::string_view::npos ? "" : text.substr(dot + 1));
  if (dot != std::string_view::npos && (fraction.empty() || fraction.size() > 9)) return std::nullopt;
  fraction.resize(9, '0');
  const auto whole = base::parse_integer<std::uint64_t>(text.substr(0, dot));
  const auto rest = base::parse_integer<std::uint64_t>(fraction);
  if (!whole || !rest || *whole > kMaxTimeoutSec) return std::nullopt;
  const std::uint64_t nsec = *whole * base::kNsecPerSec + *rest;
  return nsec == 0 ? std::nullopt : std::optional(nsec);
}

// "65536", "64K", "1G": powers of 1024.
std::optional<std::uint64_t> parse_size(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty())
    if (const auto at = std::string_view("KMG").find(text.back()); at != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(at) + 1);
      text.remove_suffix(1);
    }
  const auto number = base::parse_integer<std::uint64_t>(text);
  if (!number || *number == 0 || *number > (1ull << 62) >> shift) return std::nullopt;
  return *number << shift;
}

struct Arguments {
  bool help = false, quiet = false, verbose = false, force = false, sha256_file = false;
  std::string output, progress = "auto", netns = "all", timeout, max_size;
  int read_timeout_sec = 10;
  std::vector<std::string> case_fields;
  capture::CaptureOptions options;
};

po::options_description describe(Arguments& to) {
  auto& [help, quiet, verbose, force, sha256_file, output, progress, netns, timeout, max_size, read_timeout, case_fields, options] = to;
  po::options_description description("Options");
  description.add_options()
      ("output,o", po::value(&output)->value_name("FILE"),
       "write to FILE, which must not exist yet, or to standard output (-); default: ssnap-HOST-TIME.tar.zst here")
      ("case", po::value(&case_fields)->value_name("K=V"), 
       "a fact about the case, kept in capture.json and shown by info. Known names are number, evidence, examiner, description and "
       "notes; any other will do. May be repeated, each name once")
      ("netns", po::value(&netns)->value_name("all|self")->default_value(netns), "every network namespace, or the collector's own only")
      ("pid", po::value(&options.pids)->value_name("PID"), "read this process only; may be repeated. The tables stay whole, the rest is a stated gap")
      ("level", po::value(&options.level)->value_name("N")->default_value(options.level), "zstd's level, 1 to 19; dumps of sockets are packed at 3 at least, which costs no more")
      ("threads", po::value(&options.threads)->value_name("N")->default_value(options.threads), "threads that read, 1 to 64")
      ("read-timeout", po::value(&read_timeout)->value_name("SECONDS")->default_value(read_timeout),
       "how long a read may hang before it is given up and recorded as a gap, 1 to 3600")
      ("timeout", po::value(&timeout)->value_name("S"), "stop reading after S seconds (2, 0.5); what is missing then is a stated gap")
      ("max-size", po::value(&max_size)->value_name("BYTES"),
       "the archive gets no larger, its end included (65536, 64K, 10M, 1G); what had no room is a stated gap")
      ("sha256-file", flag(sha256_file), "write FILE.sha256 too, for sha256sum -c")
      ("force", flag(force), "replace an existing FILE, in one step, once the new archive can be replayed; until then it is kept")
      ("allow-module-load", flag(options.allow_module_load),
       "ask for every table, even if the kernel must load a module to answer; by default such a table is left to /proc/net")
      ("include-environ", flag(options.include_environ), "read the environments of processes, which often hold secrets")
      ("include-secrets", flag(options.include_secrets), "keep TCP-MD5 keys, which are otherwise overwritten with zeros")
      ("exe-hashes", flag(options.exe_hashes),
       "read the executable of each process that holds a socket, and keep its SHA-256; reading may set a file's time of last access")
      ("quiet,q", flag(quiet), "say nothing but errors and, last, the archive's SHA-256")
      ("verbose,v", flag(verbose), "say more: each stage as it begins, when, and the uncompressed size")
      ("progress", po::value(&progress)->value_name("auto|always|never")->default_value(progress), "a progress line on standard error; auto: on a terminal")
      ("help,h", flag(help), "this text");
  return description;
}

void read_case_fields(const std::vector<std::string>& fields, capture::CaptureOptions& options) {
  for (const std::string& field : fields) {
    const auto equals = field.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Failure(ExitCode::usage, "--case takes NAME=VALUE, not '" + field + "'");
    const std::string name = field.substr(0, equals);
    for (const auto& [known, value] : options.case_fields)
      if (known == name) throw Failure(ExitCode::usage, "--case has '" + name + "' twice: which one is it?");
    options.case_fields.emplace_back(name, field.substr(equals + 1));
  }
}

void check(Arguments& given) {
  auto& options = given.options;
  if (options.level < 1 || options.level > 19) throw Failure(ExitCode::usage, "--level takes a number from 1 to 19");
  if (options.threads < 1 || options.threads > 64) throw Failure(ExitCode::usage, "--threads takes a number from 1 to 64");
  if (given.read_timeout_sec < 1 || given.read_timeout_sec > 3600)
    throw Failure(ExitCode::usage, "--read-timeout takes a number of seconds from 1 to 3600");
  options.deadline_nsec = static_cast<std::uint64_t>(given.read_timeout_sec) * base::kNsecPerSec;
  for (const std::int64_t pid : options.pids)
    if (pid <= 0) throw Failure(ExitCode::usage, "--pid takes the number of a process, not '" + std::to_string(pid) + "'");
  if (given.netns != "all" && given.netns != "self")
    throw Failure(ExitCode::usage, "--netns takes all or self, not '" + given.netns + "'");
  options.own_netns_only = given.netns == "self";
  if (given.progress != "auto" && given.progress != "always" && given.progress != "never")
    throw Failure(ExitCode::usage, "--progress takes auto, always or never");
  if (given.sha256_file && given.output == "-")
    throw Failure(ExitCode::usage,
                  "--sha256-file needs a file to stand beside: with -o - the SHA-256 is on the last line of standard error");
  read_case_fields(given.case_fields, options);
}

void read_limits(const po::variables_map& values, const Arguments& given, capture::CaptureOptions& options) {
  if (values.count("timeout")) {
    const auto nsec = parse_seconds(given.timeout);
    if (!nsec)
      throw Failure(ExitCode::usage, "--timeout takes seconds above 0, such as 30 or 0.5, not '" + given.timeout + "'");
    options.timeout_nsec = *nsec;
  }
  if (values.count("max-size")) {
    const auto bytes = parse_size(given.max_size);
    if (!bytes)
      throw Failure(ExitCode::usage,
                    "--max-size takes bytes above 0, such as 65536, 64K, 10M or 1G, not '" + given.max_size + "'");
    options.max_bytes = *bytes;
    options.max_bytes_name = "--max-size";
  }
  // A file that may grow no further could not be ended in order, so that this is a limit as well.
  rlimit size{};
  if (given.output == "-" || ::getrlimit(RLIMIT_FSIZE, &size) != 0 || size.rlim_cur == RLIM_INFINITY) return;
  if (options.max_bytes != 0 && options.max_bytes <= size.rlim_cur) return;
  options.max_bytes = std::max<std::uint64_t>(size.rlim_cur, 1);
  options.max_bytes_name = "the limit of file sizes (ulimit -f)";
}

std::string advice(int error) {
  switch (error) {
    case EPIPE: return "the reader went away: capture again for one that stays, or into a file";
    case ENOSPC:
    case EDQUOT: return "for the rest, capture again to where there is room, or through a pipe (-o -)";
    case EFBIG: return "for the rest, raise the limit of file sizes (ulimit -f) or use a pipe (-o -), and capture again";
    default: return "copy what there is, and capture again to another disk or through a pipe (-o -)";
  }
}

// Where the archive goes, and what is said and done about it at the end.
class Destination {
 public:
  Destination(const std::string& path, const Arguments& given)
      : where_(path == "-" ? "standard output" : path), name_(path == "-" ? "SNAPSHOT" : path) {
    if (path == "-") {
      pipe_.emplace(standard_output());
      return;
    }
    auto made = capture::OutputFile::create(path, {given.force, given.sha256_file});
    if (made.has_error()) throw Failure(ExitCode::failed, made.error().message);
    file_.emplace(std::move(*made));
  }

  archive::Sink& sink() { return file_ ? static_cast<archive::Sink&>(*file_) : *pipe_; }
  const std::string& where() const { return where_; }
  const std::string& name() const { return name_; }

  // The file survives a power loss, and has its hash beside it. False where that could not be had, which is then said.
  bool finish(const std::string& sha256, bool with_sha256_file) {
    if (!file_) return true;
    auto done = file_->finish();
    if (done && with_sha256_file) done = file_->write_sha256_file(sha256);
    if (!done) say(done.error().message);
    return done.has_value();
  }

 private:
  std::string where_, name_;
  std::optional<archive::FdSink> pipe_;
  std::optional<capture::OutputFile> file_;
};

void say_result(const capture::CaptureResult& result, const Destination& destination, bool verbose) {
  const archive::EndInfo& end = result.end;
  std::string how;
  if (end.status == archive::EndStatus::interrupted) how = ", interrupted by signal " + std::to_string(*end.signal);
  if (end.status == archive::EndStatus::limit) how = ", ended by a limit: " + end.detail;
  say("wrote " + destination.where() + ": " + human_bytes(result.compressed_bytes) + ", " + std::to_string(end.members) +
      " members" + how);
  if (!end.gaps.empty())
    say("gaps: " + gap_text(end.gaps) + "; ssnap info " + destination.name() + " lists them" +
        (result.has_gaps && ::geteuid() != 0 ? " (run as root to see everything)" : ""));
  if (verbose) say("raw size " + human_bytes(end.member_bytes));
}

// Without a sealed archive. Returns the exit code.
ExitCode say_failure(const capture::CaptureFailure& failure, const Destination& destination) {
  if (!failure.replayable) {
    say(failure.error.message + "; nothing usable was written to " + destination.where());
    return ExitCode::failed;
  }
  say(failure.error.message + "; " + human_bytes(failure.compressed_bytes) + " were written to " + destination.where() +
      " and replay as an incomplete snapshot; " + advice(failure.error.errno_number));
  return ExitCode::incomplete;
}

}  // namespace

CommandHelp capture_help() {
  static Arguments unused;
  return {"take a snapshot of this host's sockets and processes into an archive", "capture [-o FILE|-] [OPTION]...",
          "Takes the kernel's own account of this host's sockets, and of who holds them. Reads /proc and netlink, writes its\n"
          "output and nothing else. Run it as root to see everything; what it may not read is recorded as a gap, and the\n"
          "exit code is then 3.\n\n"
          "The first SIGINT, SIGTERM, SIGHUP, SIGPIPE or SIGXCPU ends the archive in order, a second one ends ssnap at\n"
          "once. With a timeout, a size, a full disk or a reader that goes away, what was collected stays, and says that\n"
          "it isn't all. The last line on standard error is the SHA-256 of what was written.",
          {describe(unused)},
          "Exit codes: 0 done; 1 nothing usable was written; 2 usage; 3 something is missing; 128+N ended by signal N, sealed."};
}

int run_capture_command(const std::vector<std::string>& arguments) {
  Arguments given;
  const po::variables_map values = parse_options(arguments, describe(given), {}, "capture");
  if (given.help) return print(help_text("capture", capture_help())), 0;
  check(given);
  auto& options = given.options;
  read_limits(values, given, options);
  options.arguments = {"ssnap", "capture"};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  options.tool_version = kVersion;
  options.tool_commit = kCommit;

  const auto host = capture::open_host();
  if (host.has_error()) throw Failure(ExitCode::failed, host.error().message);
  const std::atomic<int>& stop_signal = catch_stop_signals();
  Destination destination(values.count("output") ? given.output : default_name(), given);

  ProgressLine line(given.progress == "always" || (given.progress == "auto" && !given.quiet && ::isatty(STDERR_FILENO)));
  std::string stage;
  const std::uint64_t begin_nsec = capture::boottime_nsec();
  const auto result = capture::run_capture(
      *host, destination.sink(), options,
      [&](const capture::CaptureProgress& now) {
        line.show(now);
        if (!given.verbose || stage == now.stage) return;
        stage = now.stage;
        line.clear();
        say(std::to_string((capture::boottime_nsec() - begin_nsec) / 1'000'000) + " ms: " + stage + " (" +
            std::to_string(now.total) + ")");
      },
      stop_signal);
  line.clear();

  if (result.has_error()) {
    const auto& failure = result.error();
    if (failure.max_bytes_too_small)
      throw Failure(values.count("max-size") ? ExitCode::usage : ExitCode::failed, failure.error.message);
    const ExitCode code = say_failure(failure, destination);
    if (failure.replayable) {
      destination.finish(failure.sha256, given.sha256_file);
      say("sha256 " + failure.sha256);
    }
    return static_cast<int>(code);
  }
  if (result->error)
    say("the capture ended early: " + result->error->message + "; what was collected is in " + destination.where() + ", sealed; " +
        advice(result->error->errno_number));
  if (!given.quiet) say_result(*result, destination, given.verbose);
  const bool finished = destination.finish(result->sha256, given.sha256_file);
  say("sha256 " + result->sha256);
  if (result->end.status == archive::EndStatus::interrupted) return 128 + *result->end.signal;
  return static_cast<int>(result->has_gaps || !finished ? ExitCode::incomplete : ExitCode::done);
}

}  // namespace ssnap::cli
