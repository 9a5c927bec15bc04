// Pieces of a table, and a dump: the pieces' size makes no difference.
#include <algorithm>

#include "check.h"
#include "decode/socket_inodes.h"

using namespace ssnap::decode;
using namespace ssnap::decode::fuzz;

namespace {

struct Column {
  std::vector<std::uint32_t> inodes;
  std::uint64_t counted = 0;
};

Column column(const InodeTable& table, std::string_view bytes, std::size_t piece) {
  InodeColumn reader(table);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) reader.look(bytes.substr(0, piece));
  Column column;
  for (const auto& row : reader.take()) column.inodes.push_back(row.inode);
  column.counted = reader.counted_rows();
  return column;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = as_text(data, size);
  for (const InodeTable& table : inode_tables()) {
    const Column whole = column(table, bytes, std::max<std::size_t>(size, 1)), pieces = column(table, bytes, 61);
    // Lines beyond 4096 bytes are no rows: there the pieces decide.
    const bool has_long_line = size > 4096;
    check(has_long_line || (whole.inodes == pieces.inodes && whole.counted == pieces.counted));
    check(whole.inodes.size() <= size && std::find(whole.inodes.begin(), whole.inodes.end(), 0u) == whole.inodes.end());
    if (const auto inodes = inodes_of_dump(bytes, table)) check(std::is_sorted(inodes->begin(), inodes->end()));
    if (!table.counter.empty()) find_counter(bytes, table.counter);
  }
  return 0;
}
