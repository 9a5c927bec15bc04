// Sockets that had to drop what came for them.
#include "analyze/rules/rules.h"

namespace ssnap::analyze {

void find_drops(const Scene& scene, const Rule& rule, std::vector<model::Finding>& findings) {
  constexpr std::size_t kDrops = 8;  // SK_MEMINFO_DROPS (include/uapi/linux/sock_diag.h)
  for (std::uint32_t i = 0; i < scene.snapshot.sockets.size(); ++i) {
    const auto& details = scene.socket(i).details;
    if (!details || details->skmeminfo.size() <= kDrops || details->skmeminfo[kDrops] == 0) continue;
    Text text;
    scene.put_socket(text, i);
    text << " of ";
    scene.put_holders(text, i);
    text << " has dropped " << Count{details->skmeminfo[kDrops], "packet or message", "packets or messages"} << " since it was made";
    scene.report(findings, rule, text, i);
  }
}

}  // namespace ssnap::analyze
