#include "capture/output.h"

#include "capture/clock.h"

namespace ssnap::capture {

void Output::member(std::string name, std::string bytes) {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return;
  batch_.bytes += name.size() + bytes.size();
  batch_.members.push_back({std::move(name), std::move(bytes)});
}

void Output::large(archive::CompressedMember member) {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return;
  batch_.bytes += member.frame.size();
  batch_.large.push_back(std::move(member));
}

void Output::journal(archive::JournalEntry entry) {
  const std::lock_guard lock(mutex_);
  if (abandoned_) return;
  batch_.bytes += sizeof entry;
  batch_.journal.push_back(std::move(entry));
}

void Output::seen(Seen seen) {
  const std::lock_guard lock(mutex_);
  if (!abandoned_) batch_.seen.append(std::move(seen));
}

bool Output::beat() {
  const std::lock_guard lock(mutex_);
  last_beat_nsec_ = boottime_nsec();
  return !abandoned_ && !stopping_;
}

void MemberBuffer::append(std::string_view bytes) {
  size_bytes_ += bytes.size();
  if (!large_ && size_bytes_ > kSmallMemberBytes) {
    large_ = output_.packer().begin(content_);
    held_.reserve(kPieceBytes);
  }
  while (large_ && held_.size() + bytes.size() > kPieceBytes) {
    const std::size_t room = kPieceBytes - held_.size();
    held_ += bytes.substr(0, room);
    bytes.remove_prefix(room);
    output_.packer().append(large_, held_);
    held_.reserve(kPieceBytes);
  }
  held_ += bytes;
}

void MemberBuffer::finish(std::string name) {
  if (!large_) return output_.member(std::move(name), std::move(held_));
  output_.packer().append(large_, held_);
  output_.large(output_.packer().finish(large_, std::move(name)));
}

}  // namespace ssnap::capture
