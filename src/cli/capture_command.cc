// ssnap capture: this host -> an archive.
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>

#include "archive/member.h"
#include "archive/sink.h"
#include "base/clock.h"
#include "base/text_cursor.h"
#include "capture/capture.h"
#include "capture/clock.h"
#include "cli/command.h"
#include "render/escape.h"

namespace po = boost::program_options;

namespace ssnap::cli {
namespace {

using base::ExitCode;
using base::Failure;

std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "set by a signal handler");

// The first signal ends the capture with a sealed archive; the handler is then gone, so a second one ends at once.
void catch_signals() {
  struct sigaction action {};
  action.sa_handler = [](int signal) { stop_signal.store(signal); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  // A reader that goes away is an error of the write, not the end of the program.
  ::signal(SIGPIPE, SIG_IGN);
}

// ssnap-HOST-YYYYmmddTHHMMSSZ.tar.zst
std::string default_name() {
  utsname names{};
  const std::string host = ::uname(&names) == 0 ? archive::percent_escape(names.nodename) : "host";
  std::string time = base::rfc3339_utc(capture::realtime_nsec(), 0);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return "ssnap-" + host + "-" + time + ".tar.zst";
}

archive::FdSink open_output(const std::string& path) {
  if (path == "-") {
    if (::isatty(STDOUT_FILENO))
      throw Failure(ExitCode::usage,
                    "an archive is nothing for a terminal: redirect standard output, or name a file with -o");
    return archive::FdSink(base::Fd(::dup(STDOUT_FILENO)), false);
  }
  base::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) {
    if (errno == EEXIST) throw Failure(ExitCode::failed, path + " exists already and is left as it is: choose another name with -o");
    throw Failure(ExitCode::failed, base::errno_error("can't create " + path, errno).message);
  }
  return archive::FdSink(std::move(fd), true);
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

struct Arguments {
  bool help = false, quiet = false, verbose = false;
  std::string output, progress = "auto", netns = "all";
  int read_timeout_sec = 10;
  std::vector<std::string> case_fields;
  capture::CaptureOptions options;
};

po::options_description describe(Arguments& to) {
  auto& [help, quiet, verbose, output, progress, netns, read_timeout, case_fields, options] = to;
  po::options_description description("Options");
  description.add_options()
      ("output,o", po::value(&output)->value_name("FILE"),
       "write to FILE, which must not exist yet, or to standard output (-); default: ssnap-HOST-TIME.tar.zst here")
      ("case", po::value(&case_fields)->value_name("K=V"), "a fact about the case, kept in capture.json (number=17); may be repeated")
      ("netns", po::value(&netns)->value_name("all|self")->default_value(netns), "every network namespace, or the collector's own only")
      ("pid", po::value(&options.pids)->value_name("PID"), "read this process only; may be repeated. The tables stay whole, the rest is a stated gap")
      ("level", po::value(&options.level)->value_name("N")->default_value(options.level), "zstd's level, 1 to 19")
      ("threads", po::value(&options.threads)->value_name("N")->default_value(options.threads), "threads that read, 1 to 64")
      ("read-timeout", po::value(&read_timeout)->value_name("SECONDS")->default_value(read_timeout),
       "how long a read may hang before it is given up and recorded as a gap, 1 to 3600")
      ("allow-module-load", flag(options.allow_module_load),
       "ask for every table, even if the kernel must load a module to answer; by default such a table is left to /proc/net")
      ("include-secrets", flag(options.include_secrets), "keep TCP-MD5 keys, which are otherwise overwritten with zeros")
      ("quiet,q", flag(quiet), "say nothing but errors")
      ("verbose,v", flag(verbose), "say more: each stage as it begins, when, and the uncompressed size")
      ("progress", po::value(&progress)->value_name("auto|always|never")->default_value(progress), "a progress line on standard error; auto: on a terminal")
      ("help,h", flag(help), "this text");
  return description;
}

}  // namespace

CommandHelp capture_help() {
  static Arguments unused;
  return {"take a snapshot of this host's sockets and processes into an archive", "capture [-o FILE|-] [OPTION]...",
          "Takes the kernel's own account of this host's sockets, and of who holds them. Reads /proc and netlink, writes its\n"
          "output and nothing else. Run it as root to see everything; what it may not read is recorded as a gap, and the\n"
          "exit code is then 3.",
          {describe(unused)}, ""};
}

int run_capture_command(const std::vector<std::string>& arguments) {
  Arguments given;
  const po::variables_map values = parse_options(arguments, describe(given), {}, "capture");
  if (given.help) return print(help_text("capture", capture_help())), 0;
  auto& [help, quiet, verbose, output, progress, netns, read_timeout, case_fields, options] = given;
  if (options.level < 1 || options.level > 19) throw Failure(ExitCode::usage, "--level takes a number from 1 to 19");
  if (options.threads < 1 || options.threads > 64) throw Failure(ExitCode::usage, "--threads takes a number from 1 to 64");
  if (read_timeout < 1 || read_timeout > 3600) throw Failure(ExitCode::usage, "--read-timeout takes a number of seconds from 1 to 3600");
  options.deadline_nsec = read_timeout * base::kNsecPerSec;
  for (const std::int64_t pid : options.pids)
    if (pid <= 0) throw Failure(ExitCode::usage, "--pid takes the number of a process, not '" + std::to_string(pid) + "'");
  if (netns != "all" && netns != "self") throw Failure(ExitCode::usage, "--netns takes all or self, not '" + netns + "'");
  options.own_netns_only = netns == "self";
  if (progress != "auto" && progress != "always" && progress != "never")
    throw Failure(ExitCode::usage, "--progress takes auto, always or never");
  for (const std::string& field : case_fields) {
    const auto equals = field.find('=');
    if (equals == std::string::npos || equals == 0)
      throw Failure(ExitCode::usage, "--case takes NAME=VALUE, not '" + field + "'");
    options.case_fields.emplace_back(field.substr(0, equals), field.substr(equals + 1));
  }
  options.arguments = {"ssnap", "capture"};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  options.tool_version = kVersion;
  options.tool_commit = kCommit;

  const auto host = capture::open_host();
  if (host.has_error()) throw Failure(ExitCode::failed, host.error().message);
  const std::string path = values.count("output") ? output : default_name();
  archive::FdSink sink = open_output(path);
  catch_signals();

  ProgressLine line(progress == "always" || (progress == "auto" && !quiet && ::isatty(STDERR_FILENO)));
  std::string stage;
  const std::uint64_t begin_nsec = capture::boottime_nsec();
  const auto result = capture::run_capture(
      *host, sink, options,
      [&](const capture::CaptureProgress& now) {
        line.show(now);
        if (!verbose || stage == now.stage) return;
        stage = now.stage;
        line.clear();
        say(std::to_string((capture::boottime_nsec() - begin_nsec) / 1'000'000) + " ms: " + stage + " (" +
            std::to_string(now.total) + ")");
      },
      stop_signal);
  line.clear();
  const std::string where = path == "-" ? "standard output" : path;
  if (result.has_error()) {
    const auto& failure = result.error();
    throw Failure(failure.replayable ? ExitCode::incomplete : ExitCode::failed,
                  failure.error.message + "; " +
                      (failure.replayable ? human_bytes(failure.compressed_bytes) + " were written to " + where +
                                                " and replay as an incomplete snapshot"
                                          : "nothing usable was written to " + where));
  }

  const bool interrupted = result->end.status == archive::EndStatus::interrupted;
  if (!quiet) {
    say("wrote " + where + ": " + human_bytes(result->compressed_bytes) + ", " + std::to_string(result->end.members) +
        " members" + (interrupted ? ", interrupted by signal " + std::to_string(*result->end.signal) : ""));
    if (!result->end.gaps.empty())
      say("gaps: " + gap_text(result->end.gaps) + "; ssnap info " + (path == "-" ? "SNAPSHOT" : path) + " lists them" +
          (result->has_gaps && ::geteuid() != 0 ? " (run as root to see everything)" : ""));
    if (verbose) say("raw size " + human_bytes(result->end.member_bytes));
    say("sha256 " + result->sha256);
  }
  if (interrupted) return 128 + *result->end.signal;
  return static_cast<int>(result->has_gaps ? ExitCode::incomplete : ExitCode::done);
}

}  // namespace ssnap::cli
