// --as ss -s: the kernel's own counters.
#include "render/ss_parts.h"

namespace ssnap::render {

std::string ss_summary(const model::Snapshot& snapshot, std::uint32_t netns) {
  // 32 bits, as ss keeps them; sums of a made-up one fit.
  const auto value = [&](const char* name) -> long long {
    if (snapshot.first_dump == nullptr) return 0;
    const auto counters = snapshot.first_dump->counters.find(netns);
    if (counters == snapshot.first_dump->counters.end()) return 0;
    const auto counter = counters->second.find(name);
    return counter == counters->second.end() ? 0 : static_cast<std::int32_t>(counter->second);
  };
  struct Row {
    const char* label;
    long long v4, v6;
  };
  const long long time_wait = value("TCP.tw"), allocated = value("TCP.alloc");
  const long long tcp4 = value("TCP.inuse"), tcp6 = value("TCP6.inuse");
  const Row raw{"RAW", value("RAW.inuse"), value("RAW6.inuse")}, udp{"UDP", value("UDP.inuse"), value("UDP6.inuse")};
  const Row tcp{"TCP", tcp4, tcp6}, inet{"INET", raw.v4 + udp.v4 + tcp4, raw.v6 + udp.v6 + tcp6};
  const Row fragments{"FRAG", value("FRAG.inuse"), value("FRAG6.inuse")};
  std::string text = printed("Total: %lld\n", value("sockets.used"));
  text += printed("TCP:   %lld (estab %lld, closed %lld, orphaned %lld, timewait %lld)\n\n", allocated + time_wait,
                  value("Tcp.CurrEstab"), allocated - (tcp4 + tcp6 - time_wait), value("TCP.orphan"), time_wait);
  text += "Transport Total     IP        IPv6\n";
  for (const Row& row : {raw, udp, tcp, inet, fragments})
    text += printed("%s\t  %-9lld %-9lld %-9lld\n", row.label, row.v4 + row.v6, row.v4, row.v6);
  return text + '\n';
}

}  // namespace ssnap::render
