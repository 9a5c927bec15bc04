#include "base/error.h"

#include <cstring>

namespace ssnap::base {

Error errno_error(std::string_view what, int errno_number) {
  std::string message(what);
  message += ": ";
  message += std::strerror(errno_number);
  return Error{std::move(message), errno_number};
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw Failure(ExitCode::failed, error.message);
}

}  // namespace ssnap::base
