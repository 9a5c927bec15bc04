#include "base/outcome.h"

#include <array>
#include <utility>

namespace ssnap::base {
namespace {

constexpr std::array<std::pair<OutcomeKind, std::string_view>, 9> kNames{{
    {OutcomeKind::ok, "ok"},
    {OutcomeKind::denied, "denied"},
    {OutcomeKind::vanished, "vanished"},
    {OutcomeKind::cut, "cut"},
    {OutcomeKind::timeout, "timeout"},
    {OutcomeKind::unsupported, "unsupported"},
    {OutcomeKind::not_loaded, "not-loaded"},
    {OutcomeKind::withheld, "withheld"},
    {OutcomeKind::skipped, "skipped"},
}};

struct ErrnoRow {
  int number;
  std::string_view name;
  OutcomeKind kind;
};

// Linux's numbers, not <cerrno>'s: an archive is read on other systems too.
constexpr ErrnoRow kErrnos[] = {
    {1, "EPERM", OutcomeKind::denied},
    {2, "ENOENT", OutcomeKind::vanished},
    {3, "ESRCH", OutcomeKind::vanished},
    {4, "EINTR", OutcomeKind::cut},
    {5, "EIO", OutcomeKind::cut},
    {6, "ENXIO", OutcomeKind::unsupported},
    {11, "EAGAIN", OutcomeKind::timeout},
    {12, "ENOMEM", OutcomeKind::cut},
    {13, "EACCES", OutcomeKind::denied},
    {16, "EBUSY", OutcomeKind::cut},
    {19, "ENODEV", OutcomeKind::unsupported},
    {20, "ENOTDIR", OutcomeKind::vanished},
    {21, "EISDIR", OutcomeKind::unsupported},
    {22, "EINVAL", OutcomeKind::unsupported},
    {23, "ENFILE", OutcomeKind::cut},
    {24, "EMFILE", OutcomeKind::cut},
    {36, "ENAMETOOLONG", OutcomeKind::cut},
    {38, "ENOSYS", OutcomeKind::unsupported},
    {40, "ELOOP", OutcomeKind::cut},
    {66, "EREMOTE", OutcomeKind::cut},
    {75, "EOVERFLOW", OutcomeKind::cut},
    {93, "EPROTONOSUPPORT", OutcomeKind::unsupported},
    {95, "EOPNOTSUPP", OutcomeKind::unsupported},
    {97, "EAFNOSUPPORT", OutcomeKind::unsupported},
    {105, "ENOBUFS", OutcomeKind::cut},
    {110, "ETIMEDOUT", OutcomeKind::timeout},
};

}  // namespace

std::string_view outcome_name(OutcomeKind kind) {
  for (const auto& [value, name] : kNames)
    if (value == kind) return name;
  return "cut";
}

std::optional<OutcomeKind> outcome_from_name(std::string_view name) {
  for (const auto& [value, text] : kNames)
    if (text == name) return value;
  return std::nullopt;
}

OutcomeKind outcome_of_errno(int errno_number) {
  if (errno_number == 0) return OutcomeKind::ok;
  for (const auto& row : kErrnos)
    if (row.number == errno_number) return row.kind;
  return OutcomeKind::cut;
}

std::string_view errno_name(int errno_number) {
  for (const auto& row : kErrnos)
    if (row.number == errno_number) return row.name;
  return "";
}

bool makes_incomplete(OutcomeKind kind) {
  return kind == OutcomeKind::denied || kind == OutcomeKind::cut || kind == OutcomeKind::timeout;
}

}  // namespace ssnap::base
