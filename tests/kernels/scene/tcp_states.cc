// TCP in every state, each while a process holds the socket and, where there can be, as an orphan.
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <string>

#include "actors.h"
#include "expect.h"
#include "host.h"
#include "scenes.h"
#include "sockets.h"
#include "tun_peer.h"

namespace scene {
namespace {

// Nothing gives up while the scene lasts.
constexpr struct { const char *path, *value; } kPatience[] = {
    {"/proc/sys/net/ipv4/tcp_syn_retries", "127"}, {"/proc/sys/net/ipv4/tcp_synack_retries", "255"},
    {"/proc/sys/net/ipv4/tcp_orphan_retries", "255"}, {"/proc/sys/net/ipv4/tcp_retries2", "255"}};
// Longer than TIME-WAIT: an orphan in FIN-WAIT-2 stays a socket instead of becoming a time-wait entry (net/ipv4/tcp.c,
// __tcp_close). The longest that the kernel takes.
constexpr int kLongLinger = 120;

// A connection of this machine with the peer, opened from here.
class Connection {
 public:
  Connection(const TunPeer& peer, int family, std::uint16_t near_port, std::uint16_t far_port)
      : peer_(peer), family_(family), near_port_(near_port), far_port_(far_port), fd_(unanswered(peer, family, near_port, far_port)) {
    near_next_ = peer_.receive(family_, near_port_, kSyn).end();
    send(kSyn | kAck);
    expect_flags(kAck);
  }
  // A socket that has sent its SYN.
  static int unanswered(const TunPeer& peer, int family, std::uint16_t near_port, std::uint16_t far_port) {
    const int fd = made(family, SOCK_STREAM);
    bind_to(fd, peer.near_address(family), near_port);
    connect_without_waiting(fd, peer.far_address(family), far_port);
    return fd;
  }

  void send(std::uint8_t flags) {
    peer_.send(family_, {near_port_, far_port_, far_next_, near_next_, flags});
    far_next_ += (flags & (kSyn | kFin)) != 0 ? 1 : 0;
  }
  // Waits for a segment of this machine, which stays without an answer.
  Segment expect_flags(std::uint8_t flags) const { return peer_.receive(family_, near_port_, flags); }
  void acknowledge(const Segment& segment) {
    near_next_ = segment.end();
    send(kAck);
  }
  int fd() const { return fd_; }
  void close() const { ::close(fd_); }
  void shut_down() const { checked(::shutdown(fd_, SHUT_WR), "shutdown"); }

  Expected nobodys(const std::string& label, const char* state, std::string_view reason) const {
    Expected out;
    out.label = label;
    out.family = family_ == AF_INET ? "inet" : "inet6";
    out.protocol = "tcp";
    out.state = state;
    out.local = ip_end(peer_.near_address(family_), near_port_);
    out.peer = ip_end(peer_.far_address(family_), far_port_);
    out.reason = reason;
    return out;
  }

 private:
  const TunPeer& peer_;
  int family_;
  std::uint16_t near_port_, far_port_;
  int fd_;
  std::uint32_t near_next_ = 0, far_next_ = 1000;
};

// One IP version's.
class States {
 public:
  States(const TunPeer& peer, int family) : peer_(peer), family_(family) {}

  void make() {
    listening();
    opening();
    open();
    closing();
  }
  // TIME-WAIT lasts for a minute, unless the other end still has something to say.
  void stay_in_time_wait() { time_wait_->send(kAck); }

 private:
  Connection connect() {
    ++port_;
    return Connection(peer_, family_, static_cast<std::uint16_t>(port_ + 20'000), port_);
  }

  void listening() {
    const int listener = made(family_, SOCK_STREAM);
    bind_to(listener, peer_.near_address(family_), 4000);
    listen_with(listener, 9);
    expect(held("listener", listener, "tcp", "LISTEN"));
    // The peer's handshake, never finished.
    const std::uint16_t far_port = ++port_;
    peer_.send(family_, {4000, far_port, 77, 0, kSyn});
    peer_.receive(family_, 4000, kSyn | kAck);
    Expected request = held("request", listener, "tcp", "SYN-RECV");
    request.peer = ip_end(peer_.far_address(family_), far_port);
    request.inode = 0;
    request.owners.clear();
    request.reason = "request";
    expect(request);
  }

  void opening() {
    std::uint16_t far_port = ++port_, near_port = static_cast<std::uint16_t>(port_ + 20'000);
    const int silent = Connection::unanswered(peer_, family_, near_port, far_port);
    peer_.receive(family_, near_port, kSyn);
    Expected expected = held("never answered", silent, "tcp", "SYN-SENT");
    expected.peer = ip_end(peer_.far_address(family_), far_port);
    expect(expected);
    // Both ends open at once: the peer's SYN carries no ACK. A socket, not a request.
    far_port = ++port_;
    near_port = static_cast<std::uint16_t>(port_ + 20'000);
    const int both = Connection::unanswered(peer_, family_, near_port, far_port);
    peer_.receive(family_, near_port, kSyn);
    peer_.send(family_, {near_port, far_port, 88, 0, kSyn});
    peer_.receive(family_, near_port, kSyn | kAck);
    expected = held("opened by both", both, "tcp", "SYN-RECV");
    expected.peer = ip_end(peer_.far_address(family_), far_port);
    expect(expected);
  }

  void open() {
    expect(held("established", connect().fd(), "tcp", "ESTAB"));
    Connection half = connect();
    half.send(kFin | kAck);
    half.expect_flags(kAck);
    expect(held("closed by the peer", half.fd(), "tcp", "CLOSE-WAIT"));
  }

  using Steps = std::function<void(Connection&, const std::function<void()>& close)>;

  // A state that a socket can be in while it is held, and after.
  void both(const std::string& label, const char* state, const Steps& steps) {
    Connection mine = connect();
    Expected expected = held(label + ", held", mine.fd(), "tcp", state);  // later it has no peer to be asked for
    steps(mine, [&mine] { mine.shut_down(); });
    expect(expected);
    Connection orphan = connect();
    steps(orphan, [&orphan] { orphan.close(); });
    expect(orphan.nobodys(label + ", orphan", state, "orphan"));
  }

  void closing() {
    both("our FIN is not acknowledged", "FIN-WAIT-1", [](Connection& one, const auto& close) {
      close();
      one.expect_flags(kFin);
    });
    both("our FIN is acknowledged", "FIN-WAIT-2", [](Connection& one, const auto& close) {
      set(one.fd(), IPPROTO_TCP, TCP_LINGER2, kLongLinger);
      close();
      one.acknowledge(one.expect_flags(kFin));
    });
    both("both FINs have crossed", "CLOSING", [](Connection& one, const auto& close) {
      close();
      one.expect_flags(kFin);
      one.send(kFin | kAck);  // of everything but our FIN
      one.expect_flags(kAck);
    });
    both("our FIN, the second, is not acknowledged", "LAST-ACK", [](Connection& one, const auto& close) {
      one.send(kFin | kAck);
      one.expect_flags(kAck);
      close();
      one.expect_flags(kFin);
    });
    time_wait_.emplace(connect());
    time_wait_->close();
    time_wait_->acknowledge(time_wait_->expect_flags(kFin));
    time_wait_->send(kFin | kAck);
    time_wait_->expect_flags(kAck);
    expect(time_wait_->nobodys("closed by both", "TIME-WAIT", "time-wait"));
  }

  const TunPeer& peer_;
  int family_;
  std::uint16_t port_ = 5000;  // of the peer; each connection has its own
  std::optional<Connection> time_wait_;
};

void states(Stage& stage) {
  for (const auto& [path, value] : kPatience) write_file(path, value);
  const TunPeer peer;
  States four(peer, AF_INET), six(peer, AF_INET6);
  four.make();
  six.make();
  stage.ready();
  constexpr unsigned kSeconds = 5;
  for (;;) {
    ::sleep(kSeconds);
    four.stay_in_time_wait();
    six.stay_in_time_wait();
  }
}

}  // namespace

void perform_tcp_states() { perform("states", states); }

}  // namespace scene
