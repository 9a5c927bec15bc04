// A tree of files that comes into being below one held directory, and nowhere else: every name is resolved relative to it, no
// symlink is ever followed, nothing that exists is touched.
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
  // Refuses a place within the open directory `source` (-1: none), which will be read.
  static base::Result<Tree> create(const std::string& path, int source);

  // Removes the directory again, where create() made it and it is still empty.
  void discard() const;

  const std::string& path() const { return path_; }
  // Open descriptors: of the directory, and, where create() made it, of its parent (else -1).
  int root() const { return root_.get(); }
  int parent() const { return parent_.get(); }

  // Missing directories of the name are made, mode 0700.
  base::Result<void> make_directory(std::string_view name);
  // A new file, mode 0600.
  base::Result<void> write_file(std::string_view name, std::string_view bytes);
  // A new symlink; the target is text and is never looked at.
  base::Result<void> make_symlink(std::string_view name, std::string_view target);
  // A second name of a file that write_file made.
  base::Result<void> link_file(std::string_view existing, std::string_view name);

 private:
  Tree() = default;
  // Opens what is called so below the root: with openat2(), or component by component where there is none. Each time anew: a
  // directory that was held might have been moved out of the tree.
  base::Result<base::Fd> open(std::string_view name, int flags, unsigned mode);
  base::Result<base::Fd> open_by_components(std::string_view name, int flags, unsigned mode) const;
  // The directory of that name, made where it is missing; "" is the root.
  base::Result<base::Fd> directory_of(std::string_view directory);

  std::string path_, own_name_;
  base::Fd root_, parent_;
  bool has_openat2_ = true;  // until it turns out otherwise
};

// True where the name, or what stands there already, is at fault and others may still succeed; false for a full disk, a
// file system without symlinks, and all else that would go on failing.
bool is_about_one_name(const base::Error& error);

}  // namespace ssnap::extract
