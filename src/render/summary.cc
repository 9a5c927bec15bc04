#include "render/summary.h"

#include <map>

#include "render/words.h"

namespace ssnap::render {

// "tcp  12: 4 LISTEN, 8 ESTAB"
std::string render_summary(const Rows& rows) {
  struct Sum {
    std::uint64_t total = 0;
    std::map<std::uint8_t, std::uint64_t> states;
  };
  std::map<std::pair<std::uint16_t, std::uint16_t>, Sum> sums;
  for (const auto* socket : rows.sockets) {
    // Both versions of IP together.
    Sum& sum = sums[{is_ip(*socket) ? std::uint16_t{0} : socket->family, socket->protocol}];
    ++sum.total;
    ++sum.states[socket->state];
  }
  std::string text = count(rows.sockets.size(), "socket") + '\n';
  for (const auto& [key, sum] : sums) {
    const auto [family, protocol] = key;
    text += "  " + (family == 0 ? protocol_word(model::kFamilyInet, protocol)
                                : family_word(family) + ' ' + protocol_word(family, protocol));
    text += ' ' + std::to_string(sum.total) + ':';
    std::string_view separator = " ";
    for (const auto& [state, number] : sum.states) {
      text += std::string(separator) + std::to_string(number) + ' ' + state_word(state);
      separator = ", ";
    }
    text += '\n';
  }
  return text;
}

}  // namespace ssnap::render
