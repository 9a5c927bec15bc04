// A host that a test makes: directories in place of / and /proc, and what tasks bring of it.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "capture/host.h"
#include "capture/reader_pool.h"
#include "support/catch.h"

namespace ssnap::capture_test {

namespace fs = std::filesystem;

class FakeHost {
 public:
  FakeHost() {
    char name[] = "/tmp/ssnap-fake-host-XXXXXX";
    root_ = ::mkdtemp(name);
    fs::create_directories(root_ / "proc");
  }
  ~FakeHost() { fs::remove_all(root_); }
  void file(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << text;
  }
  void link(const std::string& path, const std::string& target) {
    fs::create_directories((root_ / path).parent_path());
    fs::create_symlink(target, root_ / path);
  }
  void fifo(const std::string& path) {
    fs::create_directories((root_ / path).parent_path());
    REQUIRE(::mkfifo((root_ / path).c_str(), 0600) == 0);
  }
  capture::Host open() const {
    auto host = capture::open_host(root_.c_str(), (root_ / "proc").c_str());
    REQUIRE(host.has_value());
    return std::move(*host);
  }
  const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

constexpr std::uint64_t kLong = 60'000'000'000;

struct Collected {
  std::map<std::string, std::string> members;  // small ones
  std::vector<std::string> large;              // names
  std::vector<archive::JournalEntry> journal;
  capture::Seen seen;
  const archive::JournalEntry* entry(const std::string& source, base::OutcomeKind outcome) const {
    for (const auto& entry : journal)
      if (entry.source == source && entry.outcome == outcome) return &entry;
    return nullptr;
  }
};

inline Collected run(capture::ReaderPool& pool, std::vector<std::shared_ptr<capture::Task>> tasks) {
  Collected all;
  pool.run(std::move(tasks), [&](capture::Batch batch) {
    for (auto& member : batch.members) all.members[member.name] = member.bytes;
    for (auto& member : batch.large) all.large.push_back(member.name);
    for (auto& entry : batch.journal) all.journal.push_back(entry);
    all.seen.append(std::move(batch.seen));
    return true;
  });
  return all;
}

inline std::string records(std::initializer_list<std::string> list) {
  std::string text;
  for (const auto& item : list) text += item + '\0';
  return text;
}

}  // namespace ssnap::capture_test
