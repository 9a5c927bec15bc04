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
  if (!compressor_ && small_.size() + bytes.size() <= kSmallMemberBytes) {
    small_ += bytes;
    return;
  }
  if (!compressor_) {
    compressor_.emplace(output_.level());
    compressor_->append(small_);
    small_ = {};
  }
  compressor_->append(bytes);
}

std::uint64_t MemberBuffer::size_bytes() const {
  return compressor_ ? compressor_->size_bytes() : small_.size();
}

void MemberBuffer::finish(std::string name) {
  if (compressor_) output_.large(compressor_->finish(std::move(name)));
  else output_.member(std::move(name), std::move(small_));
}

}  // namespace ssnap::capture
