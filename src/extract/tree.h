// A tree of files that comes into being below one held directory, and nowhere else: every name is opened component by
// component relative to it, no symlink is ever followed, nothing that exists is touched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace ssnap::extract {

// Names are relative and checked (archive::name_fault). The Errors of all functions name nothing: their caller knows
// what it was doing; errno_number tells whether one name is to blame or the whole file system (is_about_one_name).
class Tree {
 public:
  // `path` as an empty directory: made, mode 0700, where its parent exists and it doesn't; else it must be empty.
  // Refuses a place within the directory `source` ("": none), which is being read.
  static base::Result<Tree> create(const std::string& path, const std::string& source);

  // Missing directories of the name are made, mode 0700.
  base::Result<void> make_directory(std::string_view name);
  // A new file, mode 0600.
  base::Result<void> write_file(std::string_view name, std::string_view bytes);
  // A new symlink; the target is text and is never looked at.
  base::Result<void> make_symlink(std::string_view name, std::string_view target);
  // A second name of a file that write_file made.
  base::Result<void> link_file(std::string_view existing, std::string_view name);

 private:
  explicit Tree(base::Fd root) : root_(std::move(root)) {}
  // The held directory of `name`, made where it is missing; the last one stays open for the next call.
  base::Result<int> directory_of(std::string_view directory);

  base::Fd root_;
  base::Fd last_;
  std::string last_name_;
};

// True where the name, or what stands there already, is at fault and others may still succeed; false for a full disk, a
// file system without symlinks, and all else that would go on failing.
bool is_about_one_name(const base::Error& error);

}  // namespace ssnap::extract
