// What the kernel calls its protocols: struct proto's name, as system.sockprotoname and an io_uring below 6.18 give it.
#pragma once

#include <cstdint>
#include <string_view>

namespace ssnap::reconstruct {

struct NamedProtocol {
  std::string_view name;
  std::uint16_t family;
  std::uint16_t protocol;  // as in model::Socket; model::kTypeUntold, model::kNetlinkProtocolUntold where the name doesn't tell
  // Whether the tables of its namespace list such a socket in any case, or only once it is bound or connected.
  bool always_listed;
};

// Null for a name that is not known.
const NamedProtocol* find_protocol(std::string_view name);

}  // namespace ssnap::reconstruct
