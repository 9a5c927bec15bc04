#include "analyze/bpf_words.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "base/net_addr.h"
#include "model/names.h"

namespace ssnap::analyze {
namespace {

using Comparison = BpfTest::Comparison;
using Kind = BpfValue::Kind;

constexpr std::uint16_t kAnd = 0x50;
// Ports and what else is the same in the first bytes of UDP, TCP and ICMP: what follows is carried.
constexpr std::int64_t kCarriedOffset = 8;
constexpr std::int64_t kIp4Bytes = 20;
constexpr int kMaxMagicDepth = 8;
// Negating a condition copies it: tests that meet again and again would double it each time.
constexpr std::size_t kMaxFormulas = 4096;
// Characters that denying the whole must save.
constexpr std::size_t kDenialWorth = 24;
// Joined by one `and`; beyond, what is implied is left standing.
constexpr std::size_t kMaxPruned = 64;

std::string hex(std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  do out.insert(out.begin(), kDigits[number & 0xf]);
  while ((number >>= 4) != 0);
  return "0x" + out;
}

// Small numbers as people count, flags and magic as programs do.
std::string number_text(std::uint64_t number) { return number < 256 ? std::to_string(number) : hex(number); }

std::string_view operator_text(std::uint16_t operation) {
  static constexpr std::string_view kSigns[] = {"+", "-", "*", "/", "|", "&", "<<", ">>", "?", "%", "^"};
  const std::size_t at = operation >> 4;
  return at < std::size(kSigns) ? kSigns[at] : "?";
}

std::string ip4_text(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return base::IpAddress::v4(bytes).to_string();
}

// A condition in words, or several, joined.
struct Formula {
  enum class Form : std::uint8_t { always, never, test, all_of, any_of } form = Form::never;
  std::uint32_t test = 0;  // index
  bool negated = false;    // of a test
  std::vector<std::uint32_t> parts;
};

class Words {
 public:
  explicit Words(const BpfGraph& graph) : graph_(graph) {}

  std::string all(std::string& obstacle) {
    const auto formula = structured(graph_.root());
    std::string out, denied;
    const auto opposite = negation(formula);
    if (!entangled_) {
      append(out, formula, false);
      // `not port 22` is easier than all that isn't it.
      append(denied, opposite, false);
      if (denied.size() + kDenialWorth < out.size()) out = "not ( " + denied + " )";
    }
    if (!entangled_ && out.size() <= kMaxBpfWordsBytes) return out;
    obstacle = entangled_ ? "its conditions are too entangled" : "it would take more than " + std::to_string(kMaxBpfWordsBytes) + " characters";
    return "";
  }

  std::vector<std::string> magics() const {
    std::set<std::string> found;
    for (std::uint32_t i = 2; i < graph_.tests().size(); ++i)
      if (graph_.tests()[i].if_true != BpfGraph::kReject && is_magic(graph_.tests()[i])) found.insert(magic_text(graph_.tests()[i]));
    std::vector<std::string> out(found.begin(), found.end());
    if (out.size() > kMaxBpfMagics) out.resize(kMaxBpfMagics);
    return out;
  }

 private:
  // --- tests in words

  const BpfValue& value(std::uint32_t index) const { return graph_.value(index); }

  // A place of what the packet carries, computed with constants or not at all.
  const BpfValue* carried(std::uint32_t index, std::uint8_t ip_version, int depth = 0) const {
    const auto& one = value(index);
    if (one.kind == Kind::operation && depth < kMaxMagicDepth && graph_.is_constant(one.right)) return carried(one.left, ip_version, depth + 1);
    if (one.kind != Kind::load || one.size_bytes < 2) return nullptr;
    const bool is_carried = one.base == BpfBase::payload || (one.base == BpfBase::transport && one.number >= kCarriedOffset) ||
                            (one.base == BpfBase::network && ip_version == 4 && one.number >= kIp4Bytes + kCarriedOffset);
    return is_carried ? &one : nullptr;
  }

  bool is_magic(const BpfTest& test) const {
    return test.comparison == Comparison::equal && graph_.is_constant(test.right) && carried(test.left, test.ip_version) != nullptr;
  }

  std::string magic_text(const BpfTest& test) const {
    const auto& place = *carried(test.left, test.ip_version);
    std::string out = hex(static_cast<std::uint64_t>(value(test.right).number));
    if (value(test.left).kind == Kind::operation) out += " (after " + value_text(test.left, test.ip_version, false) + ')';
    out += " at byte " + std::to_string(place.number);
    return out + (place.base == BpfBase::payload ? " of the TCP payload" : place.base == BpfBase::transport ? " after the IP header" : " of the IP packet");
  }

  std::string value_text(std::uint32_t index, std::uint8_t ip_version, bool inner) const {
    const auto& one = value(index);
    switch (one.kind) {
      case Kind::constant: return number_text(static_cast<std::uint64_t>(one.number));
      case Kind::length: return "length";
      case Kind::header_length: return "ip header length";
      case Kind::ancillary: {
        const auto name = bpf_ancillary_name(static_cast<std::uint32_t>(one.number));
        return name.empty() ? "kernel[" + std::to_string(one.number - kBpfAncillaryOffset) + ']' : std::string(name);
      }
      case Kind::operation: {
        const std::string out = value_text(one.left, ip_version, true) + ' ' + std::string(operator_text(one.operation)) + ' ' +
                                (one.operation == kAnd && graph_.is_constant(one.right) ? hex(static_cast<std::uint64_t>(value(one.right).number))
                                                                                        : value_text(one.right, ip_version, true));
        return inner ? '(' + out + ')' : out;
      }
      case Kind::load: break;
    }
    const std::string size = one.size_bytes == 1 ? "" : ':' + std::to_string(one.size_bytes);
    const std::string offset = std::to_string(one.number) + size + ']';
    switch (one.base) {
      case BpfBase::link: return "ether[" + offset;
      case BpfBase::network: return (ip_version == 4 ? "ip[" : ip_version == 6 ? "ip6[" : "net[") + offset;
      case BpfBase::transport: return "transport[" + offset;
      case BpfBase::payload: return "tcp payload[" + offset;
      case BpfBase::computed: return "packet[" + value_text(one.left, ip_version, true) + " + " + offset;
    }
    return "?";
  }

  bool is_load(std::uint32_t index, BpfBase base, std::int64_t offset, std::uint8_t size_bytes) const {
    const auto& one = value(index);
    return one.kind == Kind::load && one.base == base && one.number == offset && one.size_bytes == size_bytes;
  }

  static std::string ethertype_text(std::uint32_t number) {
    switch (number) {
      case 0x0800: return "ip";
      case 0x0806: return "arp";
      case 0x8035: return "rarp";
      case 0x86dd: return "ip6";
      case 0x8100: return "vlan";
      default: return "ethertype " + hex(number);
    }
  }

  static std::string protocol_text(std::uint32_t number) {
    switch (number) {
      case 1: return "icmp";
      case 2: return "igmp";
      case 6: return "tcp";
      case 17: return "udp";
      case 58: return "icmp6";
      case 132: return "sctp";
      default: return "protocol " + std::to_string(number);
    }
  }

  // A comparison that people have a word for; "" where they have none.
  std::string named(const BpfTest& test) const {
    if (!graph_.is_constant(test.right)) return "";
    const auto number = static_cast<std::uint32_t>(value(test.right).number);
    const auto& left = value(test.left);
    if (test.comparison == Comparison::bits_set)
      return test.ip_version == 4 && number == 0x1fff && is_load(test.left, BpfBase::network, 6, 2) ? "later fragment" : "";
    if (test.comparison != Comparison::equal) return "";
    if (is_magic(test)) return "magic " + magic_text(test);
    if (is_load(test.left, BpfBase::link, 12, 2)) return ethertype_text(number);
    if (left.kind == Kind::ancillary) {
      if (left.number == kBpfAncillaryOffset) return ethertype_text(number);
      // SKF_AD_PKTTYPE and PACKET_OUTGOING (include/uapi/linux/if_packet.h), SKF_AD_VLAN_TAG_PRESENT.
      if (left.number == kBpfAncillaryOffset + 4 && number == 4) return "outgoing";
      if (left.number == kBpfAncillaryOffset + 48 && number == 1) return "vlan tagged";
      return "";
    }
    if (left.kind == Kind::operation && left.operation == kAnd && is_load(left.left, BpfBase::network, 0, 1) &&
        graph_.is_constant(left.right) && value(left.right).number == 0xf0 && (number == 0x40 || number == 0x60))
      return number == 0x40 ? "ip" : "ip6";
    if (test.ip_version == 4 && is_load(test.left, BpfBase::network, 9, 1)) return protocol_text(number);
    if (test.ip_version == 6 && is_load(test.left, BpfBase::network, 6, 1)) return protocol_text(number);
    if (is_load(test.left, BpfBase::transport, 0, 2)) return "src port " + std::to_string(number);
    if (is_load(test.left, BpfBase::transport, 2, 2)) return "dst port " + std::to_string(number);
    return test.ip_version == 4 ? address_text(test.left, number) : "";
  }

  std::string address_text(std::uint32_t left, std::uint32_t number) const {
    std::string net;
    auto place = left;
    if (const auto& one = value(left); one.kind == Kind::operation && one.operation == kAnd && graph_.is_constant(one.right)) {
      net = " mask " + ip4_text(static_cast<std::uint32_t>(value(one.right).number));
      place = one.left;
    }
    const bool source = is_load(place, BpfBase::network, 12, 4);
    if (!source && !is_load(place, BpfBase::network, 16, 4)) return "";
    return (source ? "src " : "dst ") + ip4_text(number) + net;
  }

  std::string test_text(std::uint32_t index, bool negated) const {
    const auto& test = graph_.tests()[index];
    if (const auto name = named(test); !name.empty()) {
      if (name == "later fragment") return negated ? "no later fragment" : name;
      return negated ? "not " + name : name;
    }
    const auto left = value_text(test.left, test.ip_version, test.comparison == Comparison::bits_set);
    const auto right = value_text(test.right, test.ip_version, true);
    switch (test.comparison) {
      case Comparison::equal: return left + (negated ? " != " : " = ") + right;
      case Comparison::greater: return left + (negated ? " <= " : " > ") + right;
      case Comparison::greater_equal: return left + (negated ? " < " : " >= ") + right;
      case Comparison::bits_set: break;
    }
    return left + " & " + (graph_.is_constant(test.right) ? hex(static_cast<std::uint64_t>(value(test.right).number)) : right) + (negated ? " = 0" : " != 0");
  }

  // --- formulas

  std::uint32_t add(Formula formula) {
    if (formulas_.size() >= kMaxFormulas) {
      entangled_ = true;
      return 0;
    }
    formulas_.push_back(std::move(formula));
    return static_cast<std::uint32_t>(formulas_.size() - 1);
  }

  std::uint32_t test_formula(std::uint32_t test, bool negated) { return add({Formula::Form::test, test, negated, {}}); }

  // The same with all and any exchanged, and each test negated.
  std::uint32_t negation(std::uint32_t index) {
    if (entangled_) return index;
    Formula out = formulas_[index];
    switch (out.form) {
      case Formula::Form::always: out.form = Formula::Form::never; break;
      case Formula::Form::never: out.form = Formula::Form::always; break;
      case Formula::Form::test: out.negated = !out.negated; break;
      case Formula::Form::all_of:
      case Formula::Form::any_of:
        out.form = out.form == Formula::Form::all_of ? Formula::Form::any_of : Formula::Form::all_of;
        for (auto& part : out.parts) part = negation(part);
        break;
    }
    return add(std::move(out));
  }

  // Whether the formula holds only where `left` is another number than `right`.
  bool rules_out(const Formula& formula, std::uint32_t left, std::uint32_t right) const {
    if (formula.form == Formula::Form::any_of)
      return std::all_of(formula.parts.begin(), formula.parts.end(), [&](std::uint32_t part) {
        return formulas_[part].form == Formula::Form::test && rules_out(formulas_[part], left, right);
      });
    if (formula.form != Formula::Form::test || formula.negated) return false;
    const auto& test = graph_.tests()[formula.test];
    return test.comparison == Comparison::equal && test.left == left && test.right != right && graph_.is_constant(test.right);
  }

  // x = 1 says already that x isn't 2.
  bool is_implied(std::uint32_t denied, const std::vector<std::uint32_t>& parts) const {
    const Formula& no = formulas_[denied];
    if (no.form != Formula::Form::test || !no.negated) return false;
    const auto& test = graph_.tests()[no.test];
    if (test.comparison != Comparison::equal || !graph_.is_constant(test.right)) return false;
    return std::any_of(parts.begin(), parts.end(), [&](std::uint32_t part) { return rules_out(formulas_[part], test.left, test.right); });
  }

  std::uint32_t join(Formula::Form form, std::uint32_t a, std::uint32_t b) {
    if (entangled_) return a;
    const auto neutral = form == Formula::Form::all_of ? Formula::Form::always : Formula::Form::never;
    const auto deciding = form == Formula::Form::all_of ? Formula::Form::never : Formula::Form::always;
    Formula out{form, 0, false, {}};
    for (const auto index : {a, b}) {
      const Formula& one = formulas_[index];
      if (one.form == deciding) return index;
      if (one.form == neutral) continue;
      if (one.form == form) out.parts.insert(out.parts.end(), one.parts.begin(), one.parts.end());
      else out.parts.push_back(index);
    }
    if (out.parts.empty()) return a;
    if (form == Formula::Form::all_of && out.parts.size() <= kMaxPruned)
      std::erase_if(out.parts, [parts = out.parts, this](std::uint32_t part) { return is_implied(part, parts); });
    if (out.parts.size() == 1) return out.parts.front();
    return add(std::move(out));
  }
  std::uint32_t both(std::uint32_t a, std::uint32_t b) { return join(Formula::Form::all_of, a, b); }
  std::uint32_t either(std::uint32_t a, std::uint32_t b) { return join(Formula::Form::any_of, a, b); }

  // --- from the graph to one formula

  struct Region {
    std::uint32_t condition = 0;
    std::uint32_t if_true = 0, if_false = 0;
    std::uint32_t ways_in = 0;
  };

  bool is_alone(std::uint32_t region) const { return region > BpfGraph::kAccept && regions_[region].ways_in == 1; }

  // Takes a region with one way in into the one that leads there, as `&&` and `||` were compiled. True if it did.
  bool absorb(Region& from) {
    const auto take = [&](std::uint32_t condition, std::uint32_t if_true, std::uint32_t if_false, std::uint32_t shared) {
      from = {condition, if_true, if_false, from.ways_in};
      if (shared != BpfGraph::kReject && shared != BpfGraph::kAccept) --regions_[shared].ways_in;
      return true;
    };
    if (is_alone(from.if_false)) {
      const Region next = regions_[from.if_false];
      if (next.if_true == from.if_true) return take(either(from.condition, next.condition), from.if_true, next.if_false, from.if_true);
      if (next.if_false == from.if_true) return take(either(from.condition, negation(next.condition)), from.if_true, next.if_true, from.if_true);
    }
    if (is_alone(from.if_true)) {
      const Region next = regions_[from.if_true];
      if (next.if_false == from.if_false) return take(both(from.condition, next.condition), next.if_true, from.if_false, from.if_false);
      if (next.if_true == from.if_false) return take(both(from.condition, negation(next.condition)), next.if_false, from.if_false, from.if_false);
    }
    if (is_alone(from.if_true) && is_alone(from.if_false)) {
      const Region yes = regions_[from.if_true], no = regions_[from.if_false];
      if (yes.if_true == no.if_true && yes.if_false == no.if_false) {
        if (yes.if_false > BpfGraph::kAccept) --regions_[yes.if_false].ways_in;
        return take(either(both(from.condition, yes.condition), both(negation(from.condition), no.condition)), yes.if_true, yes.if_false, yes.if_true);
      }
    }
    return false;
  }

  void make_regions(std::uint32_t root) {
    const auto& tests = graph_.tests();
    regions_.assign(tests.size(), {});
    std::vector<bool> reached(tests.size(), false);
    reached[root] = true;
    for (std::uint32_t i = static_cast<std::uint32_t>(tests.size()); i-- > 2;) {
      if (!reached[i]) continue;
      regions_[i] = {test_formula(i, false), tests[i].if_true, tests[i].if_false, regions_[i].ways_in};
      for (const auto next : {tests[i].if_true, tests[i].if_false}) {
        reached[next] = true;
        ++regions_[next].ways_in;
      }
    }
    // Those that lead nowhere further first; a region taken in may leave another one with one way in.
    for (bool changed = true; changed;) {
      changed = false;
      for (std::uint32_t i = 2; i < regions_.size(); ++i)
        while (reached[i] && absorb(regions_[i])) changed = true;
    }
  }

  std::uint32_t structured(std::uint32_t root) {
    if (root <= BpfGraph::kAccept) return add({root == BpfGraph::kAccept ? Formula::Form::always : Formula::Form::never, 0, false, {}});
    make_regions(root);
    // What is reached in several ways is told in each of them.
    std::map<std::uint32_t, std::uint32_t> done{{BpfGraph::kReject, structured(BpfGraph::kReject)}, {BpfGraph::kAccept, structured(BpfGraph::kAccept)}};
    const std::function<std::uint32_t(std::uint32_t)> of = [&](std::uint32_t index) -> std::uint32_t {
      if (const auto found = done.find(index); found != done.end()) return found->second;
      const Region region = regions_[index];
      const auto yes = of(region.if_true), no = of(region.if_false);
      return done[index] = no == done[BpfGraph::kReject]   ? both(region.condition, yes)
                           : yes == done[BpfGraph::kAccept] ? either(region.condition, no)
                                                            : either(both(region.condition, yes), both(negation(region.condition), no));
    };
    return of(root);
  }

  // Ends soon after kMaxBpfWordsBytes: a formula may stand in itself more often than could be written.
  void append(std::string& out, std::uint32_t index, bool inner) {
    if (out.size() > kMaxBpfWordsBytes) return;
    const Formula& formula = formulas_[index];
    switch (formula.form) {
      case Formula::Form::always: out += "every packet"; return;
      case Formula::Form::never: out += "no packet"; return;
      case Formula::Form::test: out += test_text(formula.test, formula.negated); return;
      case Formula::Form::all_of:
      case Formula::Form::any_of: break;
    }
    const bool all = formula.form == Formula::Form::all_of;
    // `and` binds closer than `or`, as in tcpdump's reader; so parentheses stand around an `or` inside of an `and` only.
    const bool in_parentheses = inner && !all;
    if (in_parentheses) out += "( ";
    bool first = true;
    for (const auto part : formula.parts) {
      if (!first) out += all ? " and " : " or ";
      first = false;
      append(out, part, all);
    }
    if (in_parentheses) out += " )";
  }

  const BpfGraph& graph_;
  std::vector<Formula> formulas_;
  std::vector<Region> regions_;
  bool entangled_ = false;  // kMaxFormulas was reached: what is there now is no answer
};

}  // namespace

BpfMeaning explain_bpf(BpfProgram program, BpfStart start, std::uint8_t ip_version) {
  const BpfGraph graph(program, start, ip_version);
  BpfMeaning meaning;
  if (!graph.obstacle().empty()) {
    meaning.obstacle = graph.obstacle();
    meaning.magics_known = false;
    return meaning;
  }
  Words words(graph);
  meaning.words = words.all(meaning.obstacle);
  meaning.magics = words.magics();
  return meaning;
}

BpfMeaning explain_packet_filter(const model::Socket& socket) {
  // SOCK_DGRAM's packets begin with their network header.
  const auto start = socket.protocol == model::kSocketDgram ? BpfStart::network : BpfStart::ethernet;
  const auto& packet = *socket.details->packet;
  const std::uint8_t version = packet.ethertype == 0x0800 ? 4 : packet.ethertype == 0x86dd ? 6 : 0;
  return explain_bpf(*packet.filter, start, version);
}

}  // namespace ssnap::analyze
