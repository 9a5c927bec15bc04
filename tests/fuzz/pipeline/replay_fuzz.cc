// A whole replay: the input is the tar of an archive, which is compressed as it is; every view is made of what comes out.
#include <cstdint>
#include <string>
#include <string_view>

#include <zstd.h>

#include "pipeline/replay.h"
#include "render/info.h"
#include "render/json.h"
#include "render/netstat.h"
#include "render/pairs.h"
#include "render/table.h"
#include "render/tree.h"

using namespace ssnap;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string archive(ZSTD_compressBound(size), '\0');
  archive.resize(ZSTD_compress(archive.data(), archive.size(), data, size, 1));
  reconstruct::Options options;
  options.keep_proc_net_rows = true;
  options.keep_info = true;
  const auto snapshot = pipeline::replay_bytes(archive, options);
  if (snapshot.has_error()) return 0;
  render::Rows rows{*snapshot, {}, 0, 0, 0};
  for (const auto& socket : snapshot->sockets) rows.sockets.push_back(&socket);
  render::Style style;
  style.extended = true;
  style.netns_column = true;
  (void)render::render_json(rows, true);
  (void)render::render_table(rows, style);
  (void)render::render_tree(rows, style);
  (void)render::render_pairs(rows, style);
  (void)render::render_info(*snapshot);
  render::NetstatOptions netstat;
  netstat.all = netstat.programs = netstat.extended = netstat.timers = netstat.explain = true;
  for (std::uint32_t i = 0; i < snapshot->namespaces.size(); ++i) (void)render::render_netstat(*snapshot, i, netstat);
  return 0;
}
