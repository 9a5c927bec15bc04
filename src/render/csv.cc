#include "render/csv.h"

#include "render/fields.h"

namespace ssnap::render {

void append_csv_line(std::string& out, const std::vector<std::string>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i != 0) out += ',';
    out += csv_cell(cells[i]);
  }
  out += "\r\n";
}

const std::vector<std::string>& default_csv_fields() {
  static const std::vector<std::string> kFields{
      "netns.inode",   "netns.name",       "family",       "protocol",     "state",          "presence",
      "local.address", "local.port",       "local.path",   "local.abstract", "local.interface", "peer.address",
      "peer.port",     "peer.path",        "peer.abstract", "peer.interface", "recv_queue",   "send_queue",
      "inode",         "cookie",           "uid",          "user",         "owners.pid",     "owners.start_time",
      "owners.comm",   "owners.exe",       "owners.fds",   "owners.via",   "owners.certainty", "owners.origin",
      "ownerless_reason.code", "ownerless_reason.detail", "peer_owners.pid", "peer_owners.comm"};
  return kFields;
}

std::string csv_cell(std::string_view text) {
  std::string cell(text);
  if (!cell.empty() && std::string_view("=+-@").find(cell.front()) != std::string_view::npos) cell.insert(0, 1, '\'');
  if (cell.find_first_of("\",\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

std::string render_csv(const Rows& rows, const std::vector<std::string>& fields, bool header) {
  std::string out;
  if (header) append_csv_line(out, fields);
  std::vector<std::string> cells(fields.size());
  for (const auto* socket : rows.sockets) {
    const FieldReader reader(rows.snapshot, *socket);
    for (std::size_t i = 0; i < fields.size(); ++i) cells[i] = reader.text(fields[i], false);
    append_csv_line(out, cells);
  }
  return out;
}

}  // namespace ssnap::render
