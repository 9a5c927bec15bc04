// A whole replay: the input is the tar of an archive, which is compressed as it is; every view is made of what comes out.
#include <cstdint>
#include <string>
#include <string_view>

#include <zstd.h>

#include "pipeline/replay.h"
#include "render/csv.h"
#include "render/info.h"
#include "render/json.h"
#include "render/lsof.h"
#include "render/netstat.h"
#include "render/pairs.h"
#include "render/ss.h"
#include "render/summary.h"
#include "render/table.h"
#include "render/tree.h"

using namespace ssnap;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string archive(ZSTD_compressBound(size), '\0');
  archive.resize(ZSTD_compress(archive.data(), archive.size(), data, size, 1));
  reconstruct::Options options;
  options.keep_proc_net_rows = true;
  options.keep_info = options.keep_first_dump = options.keep_net_tables = true;
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
  (void)render::render_summary(rows);
  (void)render::render_csv(rows, render::default_csv_fields(), true);
  (void)render::render_info(*snapshot);
  render::SsOptions ss;
  ss.selection.all_states();
  ss.selection.finish();
  ss.processes = ss.extended = ss.memory = ss.info = ss.filters = ss.tos = ss.cgroups = ss.sockopts = ss.timers = ss.explain = true;
  render::LsofOptions lsof;
  lsof.unix_sockets = lsof.tcp = lsof.udp = lsof.explain = true;
  render::NetstatOptions netstat;
  netstat.all = netstat.programs = netstat.timers = netstat.explain = true;
  netstat.extended = 1;
  for (std::uint32_t i = 0; i < snapshot->namespaces.size(); ++i) {
    (void)render::render_netstat(*snapshot, i, netstat);
    (void)render::render_ss(*snapshot, i, ss);
    (void)render::render_lsof(*snapshot, i, lsof);
    for (const auto table : {&render::NetstatOptions::interfaces, &render::NetstatOptions::routes, &render::NetstatOptions::statistics}) {
      render::NetstatOptions one;
      one.*table = true;
      (void)render::render_netstat(*snapshot, i, one);
    }
  }
  return 0;
}
