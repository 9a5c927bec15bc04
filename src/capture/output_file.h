// The file that an archive is written to: never another file's place unless told so, and nothing of it left behind that
// is of no use.
#pragma once

#include <cstdint>
#include <string>

#include "archive/sink.h"
#include "base/fd.h"
#include "base/result.h"

namespace ssnap::capture {

// Made with O_EXCL and O_NOFOLLOW, mode 0600. While it is written, room for the end of the archive is kept on the file
// system behind what there is (fallocate, FALLOC_FL_KEEP_SIZE); where a file system can't, its first ENOSPC tells.
//
// With `replace`, an existing regular file keeps its name until the new archive is of use (usable()), and then loses it
// in one step (rename), and the FILE.sha256 about it goes too if there is to be a new one. Until then the new one is
// FILE.new-PID beside it. Nothing but a regular file is replaced.
class OutputFile : public archive::FdSink {
 public:
  struct Options {
    bool replace = false;
    bool sha256_file = false;  // there will be one: what has its name is in the way as well
  };
  static base::Result<OutputFile> create(const std::string& path, Options options);
  OutputFile(OutputFile&&) = default;
  // Removes what never became usable.
  ~OutputFile() override;

  base::Result<void> usable() override;
  base::Result<void> reserve(std::uint64_t bytes) override;
  bool cut_back(std::uint64_t bytes) override;
  // Gives back the room behind the end; then the file and its name survive a power loss (fsync of both).
  base::Result<void> finish();
  // FILE.sha256 with the line that `sha256sum -c` takes in the file's folder. Made as the archive is.
  base::Result<void> write_sha256_file(const std::string& sha256_hex) const;

 private:
  OutputFile(base::Fd file, base::Fd folder, Options options, std::string name, std::string working_name);

  base::Fd folder_;
  Options options_;
  std::string name_, working_name_;  // in the folder; the same unless another file has the name still
  bool usable_ = false, can_reserve_ = true;
};

}  // namespace ssnap::capture
