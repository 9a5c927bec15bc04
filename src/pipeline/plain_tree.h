// A directory that nothing describes: a copy of /proc or of a part of it, as other collectors leave it. Which files of it are
// which members, and in which byte order its addresses are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/input.h"
#include "archive/member.h"
#include "base/problem.h"
#include "base/result.h"
#include "decode/byte_order_signs.h"

namespace ssnap::pipeline {

// The tree may begin at any depth (collected/host1/proc/net/tcp, or tcp alone), and have its tables below one process only
// (proc/77/net: /proc/net is a link, which copies leave behind). Of several trees the one nearest to the top counts; the
// others are problems: they may be of other hosts.
class PlainTree {
 public:
  PlainTree();
  PlainTree(PlainTree&&) noexcept;
  ~PlainTree();

  // The first walk: names of files, and the bytes of those for which it returned true.
  bool looks_at(std::string_view file);
  void look_at(const archive::Member& file);
  // Ends it.
  void settle(base::Problems& problems);

  // The member that a file is; nullopt for what belongs to another tree.
  std::optional<std::string> member_name(std::string_view file) const;
  // capture.json is there: an unpacked archive, or the output of `extract`.
  bool is_archive() const { return is_archive_; }
  const decode::ByteOrderSigns& byte_order() const;

 private:
  struct Root {
    std::string prefix;
    bool has_own_tables = false;
    std::string tables;  // "proc/77/net/", where there are no others
    decode::ByteOrderSigns signs;
  };

  Root* root_of(std::string_view prefix);

  bool is_archive_ = false;
  std::vector<Root> roots_;
  std::size_t tree_ = 0;  // settled: which of them is read
  std::uint64_t further_roots_ = 0;
};

// Walks the directory for what PlainTree has to know.
base::Result<PlainTree> survey_directory(const archive::Input& input, base::Problems& problems);

}  // namespace ssnap::pipeline
