// What the functions of the member table get.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_cursor.h"
#include "pipeline/member_table.h"

namespace ssnap::pipeline {

using reconstruct::Records;

inline void report(Replay& replay, std::string_view member, const base::Problems& problems) {
  for (const auto& problem : problems.kept) replay.add_problem(std::string(member), problem.offset, problem.message);
  if (problems.total > problems.kept.size())
    replay.add_problem(std::string(member), 0, std::to_string(problems.total - problems.kept.size()) + " further problems like these");
}

// The member, and the components of its name that the pattern's stars stood for.
struct Context {
  Replay& replay;
  const archive::Member& member;
  std::string_view name;
  std::string_view path;  // the name without "reused/"
  bool reused = false;    // of the second process that had this pid
  std::vector<std::string_view> stars;

  Records& records() const { return replay.records; }

  std::uint32_t member_index() const {
    auto& members = records().members;
    if (members.empty() || members.back() != name) members.emplace_back(name);
    return static_cast<std::uint32_t>(members.size() - 1);
  }

  void report(const base::Problems& problems) const { pipeline::report(replay, name, problems); }
  void report(std::string message) const { replay.add_problem(std::string(name), 0, std::move(message)); }

  // The process of proc/PID/..., and the thread of proc/PID/task/TID/...
  std::optional<reconstruct::TaskId> task() const {
    const auto pid = base::parse_integer<std::int64_t>(stars.at(0));
    if (!pid || *pid <= 0) return std::nullopt;
    reconstruct::TaskId task{{*pid, reused}};
    if (!path.substr(5 + stars[0].size()).starts_with("/task/")) return task;
    const auto tid = base::parse_integer<std::int64_t>(stars.at(1));
    if (!tid || *tid <= 0) return std::nullopt;
    task.tid = *tid;
    return task;
  }

  // The namespace of netns/INODE/..., and the pass where the name has one.
  reconstruct::Origin origin() const {
    reconstruct::Origin origin;
    origin.member = member_index();
    if (!stars.empty()) origin.netns = base::parse_integer<std::uint64_t>(stars[0]).value_or(0);
    if (stars.size() > 1 && stars[1].starts_with("pass"))
      origin.pass = base::parse_integer<std::uint8_t>(stars[1].substr(4)).value_or(1);
    return origin;
  }
};

}  // namespace ssnap::pipeline
