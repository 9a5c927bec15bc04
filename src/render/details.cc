#include "render/details.h"

#include <charconv>
#include <cstring>
#include <span>

#include "render/escape.h"
#include "render/words.h"

namespace ssnap::render {
namespace {

using model::Socket;

// Text in the making: of many short pieces, each of which would cost a call of std::string's.
class Line {
 public:
  explicit Line(std::string_view begin) { *this << begin; }

  Line& operator<<(std::string_view piece) {
    if (piece.size() > sizeof buffer_ - used_) {
      flush();
      if (piece.size() > sizeof buffer_) {
        text_ += piece;
        return *this;
      }
    }
    std::memcpy(buffer_ + used_, piece.data(), piece.size());
    used_ += piece.size();
    return *this;
  }
  Line& operator<<(std::uint64_t number) {
    if (sizeof buffer_ - used_ < kMaxDigits) flush();
    used_ = static_cast<std::size_t>(std::to_chars(buffer_ + used_, buffer_ + sizeof buffer_, number).ptr - buffer_);
    return *this;
  }
  // " NAME NUMBER"
  void add(std::string_view name, std::uint64_t number) {
    if (sizeof buffer_ - used_ < name.size() + 2 + kMaxDigits) {
      *this << " " << name << " " << number;
      return;
    }
    char* at = buffer_ + used_;
    *at++ = ' ';
    at += name.copy(at, name.size());
    *at++ = ' ';
    used_ = static_cast<std::size_t>(std::to_chars(at, at + kMaxDigits, number).ptr - buffer_);
  }
  std::string take() {
    flush();
    return std::move(text_);
  }

 private:
  static constexpr std::size_t kMaxDigits = 20;
  void flush() {
    text_.append(buffer_, used_);
    used_ = 0;
  }

  std::string text_;
  char buffer_[1024];  // nearly all of them whole
  std::size_t used_ = 0;
};

std::string timer_line(const Socket& socket) {
  const model::Timer& timer = *socket.timer;
  const auto name = model::timer_name(timer.number);
  std::string text = "timer " + (name.empty() ? std::to_string(timer.number) : std::string(name));
  if (timer.expires_msec) text += ", expires in " + std::to_string(*timer.expires_msec) + " ms";
  if (timer.retransmits.value_or(0) != 0) text += ", " + count(*timer.retransmits, "retransmission");
  return text;
}

// The words of SK_MEMINFO_*.
std::string memory_line(std::span<const std::uint32_t> words) {
  static constexpr std::string_view kNames[] = {"received",     "of at most", ", sent",    "of at most", ", forward",
                                                ", queued",     ", options",  ", backlog", ", dropped"};
  Line line("memory:");
  for (std::size_t i = 0; i < words.size() && i < std::size(kNames); ++i)
    line << (kNames[i].starts_with(',') ? "" : " ") << kNames[i] << " " << words[i];
  return line.take();
}

std::string info_line(const Socket& socket) {
  const auto& details = *socket.details;
  Line line("info:");
  if (!details.congestion.empty()) line << " congestion " << escape_terminal(details.congestion) << ";";
  // What is 0 says nothing here.
  for (const auto& field : details.info) {
    if (field.value == 0 || field.name.empty()) continue;
    line.add(field.name, field.value);
  }
  return line.take();
}

std::string filter_line(const std::vector<model::BpfInstruction>& filter) {
  if (filter.empty()) return "filter: there is one, that could not be seen";
  std::string text = "filter of " + count(filter.size(), "instruction") + ':';
  for (const auto& step : filter) {
    text += text.ends_with(':') ? " " : "; ";
    text += std::to_string(step.code) + ' ' + std::to_string(step.jump_true) + ' ' + std::to_string(step.jump_false) +
            ' ' + std::to_string(step.k);
  }
  return text;
}

std::string tos_line(const model::SocketDetails& details) {
  std::string text;
  const auto add = [&](std::string_view label, std::uint64_t value) {
    text += (text.empty() ? "" : ", ") + std::string(label) + ' ' + std::to_string(value);
  };
  if (details.tos) add("type of service", *details.tos);
  if (details.tclass) add("traffic class", *details.tclass);
  if (details.class_id) add("class or priority", *details.class_id);
  return text;
}

std::string cgroup_line(const model::Snapshot& snapshot, std::uint64_t id) {
  const auto path = snapshot.cgroups.find(id);
  return "cgroup " + (path == snapshot.cgroups.end() ? std::to_string(id) + ", gone or not mounted" : escape_terminal(path->second));
}

std::string sockopt_line(std::uint16_t bits) {
  std::string text = "socket options:";
  for (const auto name : sockopt_names(bits)) text += ' ' + std::string(name);
  return text;
}

}  // namespace

std::vector<std::string_view> sockopt_names(std::uint16_t bits) {
  // struct inet_diag_sockopt (include/uapi/linux/inet_diag.h), from the lowest bit on, as ss spells them.
  static constexpr std::string_view kNames[] = {"recverr",           "is_icsk",         "freebind",    "hdrincl",
                                                "mc_loop",           "transparent",     "mc_all",      "nodefrag",
                                                "bind_addr_no_port", "recverr_rfc4884", "defer_connect"};
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if ((bits >> i & 1u) != 0) names.push_back(kNames[i]);
  return names;
}

std::vector<std::string> detail_lines(const model::Snapshot& snapshot, const Socket& socket, const Details& wanted) {
  std::vector<std::string> lines;
  if (wanted.timers && socket.timer && socket.timer->number != 0) lines.push_back(timer_line(socket));
  if (!socket.details) return lines;
  const auto& details = *socket.details;
  if (wanted.memory && !details.skmeminfo.empty()) lines.push_back(memory_line(details.skmeminfo));
  if (wanted.info && (!details.info.empty() || !details.congestion.empty())) lines.push_back(info_line(socket));
  if (wanted.filters && details.packet && details.packet->filter) lines.push_back(filter_line(*details.packet->filter));
  if (wanted.tos && (details.tos || details.tclass || details.class_id)) lines.push_back(tos_line(details));
  if (wanted.cgroups && details.cgroup_id) lines.push_back(cgroup_line(snapshot, *details.cgroup_id));
  if (wanted.sockopts && details.sockopt && *details.sockopt != 0) lines.push_back(sockopt_line(*details.sockopt));
  return lines;
}

}  // namespace ssnap::render
