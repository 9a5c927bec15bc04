// Words for the order of the host's addresses, and for who says it.
#pragma once

#include <string>
#include <string_view>

#include "model/snapshot.h"
#include "render/escape.h"

namespace ssnap::render {

inline std::string_view byte_order_word(base::ByteOrder order) { return order == base::ByteOrder::little ? "little" : "big"; }

inline std::string_view byte_order_from_word(model::HostByteOrder::From from) {
  switch (from) {
    case model::HostByteOrder::From::capture: return "capture.json";
    case model::HostByteOrder::From::option: return "option";
    case model::HostByteOrder::From::deduced: return "deduced";
    case model::HostByteOrder::From::guessed: return "guessed";
  }
  return "";
}

// True where addresses may be wrong: nothing tells their order, and they are others in the other one.
inline bool is_guess_that_matters(const model::Host& host) {
  return host.byte_order && host.byte_order->from == model::HostByteOrder::From::guessed && !host.byte_order->detail.empty();
}

// "big, deduced: 7F000001 is 127.0.0.1 (proc/net/tcp+150)"; "" where the snapshot says it itself, or nothing depends on it.
inline std::string byte_order_text(const model::Host& host) {
  using From = model::HostByteOrder::From;
  if (!host.byte_order || host.byte_order->from == From::capture) return "";
  const auto& known = *host.byte_order;
  if (known.from == From::guessed && known.detail.empty()) return "";
  std::string text = std::string(byte_order_word(known.order)) + ", ";
  text += known.from == From::option ? "as --byte-order says" : std::string(byte_order_from_word(known.from));
  return known.detail.empty() ? text : text + ": " + escape_terminal(known.detail);
}

}  // namespace ssnap::render
