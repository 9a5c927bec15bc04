// The errors that end a command, and the exit codes they are mapped to.
#pragma once

#include <stdexcept>
#include <string>

#include <boost/assert/source_location.hpp>

namespace ssnap::base {

// Exit codes of every command; 128+N stands for "ended by signal N with a sealed archive".
enum class ExitCode : int {
  done = 0,
  failed = 1,      // nothing usable came out
  usage = 2,       // the command line
  incomplete = 3,  // capture: ended with gaps; elsewhere: the archive itself is cut or unsealed
  altered = 4,     // verification failed
  unexpected = 5,  // an expectation (`analyze --expect`) was not met
};

// A recoverable error: a sentence for people, and the errno behind it where there was one (else 0).
struct Error {
  std::string message;
  int errno_number = 0;
};

// "no such file or directory (errno 2)" needs a system; the message keeps what was tried.
Error errno_error(std::string_view what, int errno_number);

// The command can't go on. Thrown by the command line's layer only and caught once, in main.cc.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

// What Result::value() does on an error: the same as Failure(failed).
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

}  // namespace ssnap::base
