// What the tests of several views share.
#pragma once

#include <string_view>

#include "render/view.h"
#include "support/snapshot_builder.h"

namespace ssnap::test {

// All sockets, as a view without any selection gets them.
inline render::Rows all_rows(const model::Snapshot& snapshot) {
  render::Rows rows{snapshot, {}, snapshot.sockets.size(), 0, 0};
  for (const auto& socket : snapshot.sockets) rows.sockets.push_back(&socket);
  return rows;
}

// Nothing in it moves a cursor or turns the direction of text.
inline bool is_harmless(std::string_view text) {
  for (const unsigned char c : text)
    if ((c < 0x20 && c != '\n') || c == 0x7f || c == 0xff) return false;
  return text.find("\xe2\x80\xae") == std::string_view::npos;
}

}  // namespace ssnap::test
