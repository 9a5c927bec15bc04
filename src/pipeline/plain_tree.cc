#include "pipeline/plain_tree.h"

#include <algorithm>

#include "archive/directory.h"
#include "pipeline/member_table.h"

namespace ssnap::pipeline {
namespace {

using std::string_view;

// More trees in one directory are told by their number.
constexpr std::size_t kMaxRoots = 32;

bool is_number(string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// if_inet6 says nothing but the byte order.
bool is_known(const std::string& member) { return is_wanted(member) || member.ends_with("/net/if_inet6"); }

// "tcp"; not "stat", which is wanted below any folder of /proc.
bool is_table(string_view name) {
  const std::string table(name);
  return is_known("proc/net/" + table) && !is_wanted("proc/0/" + table);
}

string_view first_of(string_view path) { return path.substr(0, path.find('/')); }

// "77/net/tcp" -> "77/net/", if that is a table of a process's namespace; else "".
string_view tables_of_process(string_view path) {
  const string_view pid = first_of(path);
  constexpr string_view kNet = "/net/";
  if (!is_number(pid) || !path.substr(pid.size()).starts_with(kNet)) return "";
  const string_view tables = path.substr(0, pid.size() + kNet.size());
  return is_table(path.substr(tables.size())) ? tables : "";
}

// What a path is, if a copy of /proc begins at its first component.
struct Place {
  bool is_member = false;
  bool is_own_table = false;  // of /proc/net
  std::string tables;         // of /proc/PID/net
};

Place place_of(string_view path, bool is_top) {
  Place place;
  if (is_top && path.find('/') == string_view::npos && is_table(path)) return {true, true, ""};
  if (path.starts_with("netns/")) return {is_wanted(path), true, ""};
  const bool has_proc = path.starts_with("proc/");
  const string_view below = has_proc ? path.substr(5) : path;
  const string_view first = first_of(below);
  // A folder of numbers or a file "stat" is a sign of procfs only where it is said to be one, or at the top.
  if (!has_proc && !is_top && first != "net") return place;
  if (const string_view tables = tables_of_process(below); !tables.empty()) {
    place.is_own_table = first == "1";
    place.is_member = true;
    place.tables = "proc/" + std::string(tables);
    return place;
  }
  const bool is_procfs = is_number(first) || first == "net" || first == "self" || first == "stat" || first == "sys";
  place.is_member = is_procfs && is_known("proc/" + std::string(below));
  place.is_own_table = place.is_member && (first == "net" || first == "self");
  return place;
}

}  // namespace

PlainTree::PlainTree() = default;
PlainTree::PlainTree(PlainTree&&) noexcept = default;
PlainTree::~PlainTree() = default;

PlainTree::Root* PlainTree::root_of(string_view prefix) {
  const auto at = std::find_if(roots_.begin(), roots_.end(), [&](const Root& root) { return root.prefix == prefix; });
  if (at != roots_.end()) return &*at;
  if (roots_.size() == kMaxRoots) {
    ++further_roots_;
    return nullptr;
  }
  roots_.push_back({});
  roots_.back().prefix = prefix;
  return &roots_.back();
}

bool PlainTree::looks_at(string_view file) {
  if (file == "capture.json") is_archive_ = true;
  for (std::size_t at = 0; at < file.size();) {
    const Place place = place_of(file.substr(at), at == 0);
    if (place.is_member) {
      Root* root = root_of(file.substr(0, at));
      if (root == nullptr) return false;
      root->has_own_tables |= place.is_own_table;
      if (root->tables.empty()) root->tables = place.tables;
      return decode::ByteOrderSigns::is_told_by(file) && (place.tables.empty() || place.tables == root->tables);
    }
    const std::size_t slash = file.find('/', at);
    if (slash == string_view::npos) break;
    at = slash + 1;
  }
  return false;
}

void PlainTree::look_at(const archive::Member& file) {
  if (file.type != archive::MemberType::file) return;
  // Of the innermost tree that the file is in.
  Root* root = nullptr;
  for (Root& one : roots_)
    if (file.name.starts_with(one.prefix) && (root == nullptr || one.prefix.size() > root->prefix.size())) root = &one;
  if (root != nullptr) root->signs.look_at(file.name, file.bytes);
}

void PlainTree::settle(base::Problems& problems) {
  const auto depth = [](const Root& root) { return std::count(root.prefix.begin(), root.prefix.end(), '/'); };
  for (std::size_t i = 1; i < roots_.size(); ++i)
    if (depth(roots_[i]) < depth(roots_[tree_])) tree_ = i;
  if (is_archive_ || roots_.size() < 2) return;
  problems.add(0, "more than one copy of /proc: besides the one that is read there " +
                      (roots_.size() == 2 && further_roots_ == 0 ? std::string("is another") : "are " + std::to_string(roots_.size() - 1) + (further_roots_ == 0 ? "" : " or more")) +
                      ", which may be of other hosts; to read one, name the directory that it is in");
}

std::optional<std::string> PlainTree::member_name(string_view file) const {
  if (is_archive_ || roots_.empty()) return canonical_name(file);
  const Root& tree = roots_[tree_];
  if (!file.starts_with(tree.prefix)) return std::nullopt;
  for (const Root& other : roots_)
    if (other.prefix.size() > tree.prefix.size() && file.starts_with(other.prefix)) return std::nullopt;
  file.remove_prefix(tree.prefix.size());
  // A copy of /proc/net alone.
  if (file.find('/') == string_view::npos && is_table(file)) return "proc/net/" + std::string(file);
  std::string name = canonical_name(file);
  if (!tree.has_own_tables && !tree.tables.empty() && name.starts_with(tree.tables))
    return "proc/net/" + name.substr(tree.tables.size());
  return name;
}

const decode::ByteOrderSigns& PlainTree::byte_order() const {
  static const decode::ByteOrderSigns none;
  return roots_.empty() ? none : roots_[tree_].signs;
}

base::Result<PlainTree> survey_directory(const archive::Input& input, base::Problems& problems) {
  PlainTree tree;
  // What can't be read is said by the walk that reads it all.
  const auto report = archive::read_directory(
      input, [&](string_view name) { return tree.looks_at(name); }, [&](const archive::Member& member) { tree.look_at(member); });
  if (report.has_error()) return report.error();
  tree.settle(problems);
  return tree;
}

}  // namespace ssnap::pipeline
