#include "analyze/bpf_words.h"

#include <algorithm>
#include <utility>

#include "analyze/text.h"
#include "model/names.h"

namespace ssnap::analyze {
namespace {

using Comparison = BpfTest::Comparison;
using Kind = BpfValue::Kind;

constexpr std::uint16_t kAnd = 0x50;
// Ports and what else is the same in the first bytes of UDP, TCP and ICMP: what follows is carried.
constexpr std::int64_t kCarriedOffset = 8;
constexpr std::int64_t kIp4Bytes = 20;
constexpr std::int64_t kTcpHeaderLength = 12;  // and behind it the flags
constexpr int kMaxMagicDepth = 8;
// Negating a condition copies it: tests that meet again and again would double it each time.
constexpr std::size_t kMaxFormulas = 4096;
// Characters that denying the whole must save.
constexpr std::size_t kDenialWorth = 24;
// Joined by one `and`; beyond, what is implied is left standing.
constexpr std::size_t kMaxPruned = 64;

// Small numbers as people count, flags and magic as programs do.
void put_number(Text& text, std::uint64_t number) {
  if (number < 256) text << number;
  else text << Hex{number};
}

void put_address(Text& text, std::uint64_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) text << (number >> shift & 0xff) << (shift != 0 ? "." : "");
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
    const auto formula = structured();
    Text out, denied;
    const auto opposite = negation(formula);
    if (!entangled_) {
      append(out, formula, false);
      // `not port 22` is easier than all that isn't it.
      append(denied, opposite, false);
      if (denied.bytes.size() + kDenialWorth < out.bytes.size()) {
        out.bytes.clear();
        out << "not ( " << denied.bytes << " )";
      }
      if (out.bytes.size() <= kMaxBpfWordsBytes) return std::move(out.bytes);
    }
    obstacle = entangled_ ? "its conditions are too entangled" : "the words would be too many";
    return "";
  }

  std::vector<std::string> magics() const {
    std::vector<std::string> out;
    for (std::uint32_t i = 2; i < graph_.tests().size() && out.size() < kMaxBpfMagics; ++i) {
      if (graph_.tests()[i].if_true == BpfGraph::kReject || !is_magic(graph_.tests()[i])) continue;
      Text text;
      put_magic(text, graph_.tests()[i]);
      if (std::find(out.begin(), out.end(), text.bytes) == out.end()) out.push_back(std::move(text.bytes));
    }
    add_byte_magics(out);
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  // --- tests in words

  const BpfValue& value(std::uint32_t index) const { return graph_.value(index); }

  // A place of what the packet carries, computed with constants or not at all.
  const BpfValue* carried(std::uint32_t index, std::uint8_t ip_version, int depth = 0) const {
    const auto& one = value(index);
    if (one.kind == Kind::operation && depth < kMaxMagicDepth && graph_.is_constant(one.right)) return carried(one.left, ip_version, depth + 1);
    return one.kind == Kind::load && one.size_bytes >= 2 && is_carried(one, ip_version) ? &one : nullptr;
  }

  static bool is_carried(const BpfValue& place, std::uint8_t ip_version) {
    return place.base == BpfBase::payload || (place.base == BpfBase::transport && place.number >= kCarriedOffset) ||
           (place.base == BpfBase::network && ip_version == 4 && place.number >= kIp4Bytes + kCarriedOffset);
  }

  // The place of one byte of what the packet carries, where the test asks for its value.
  const BpfValue* carried_byte(const BpfTest& test) const {
    const auto& place = value(test.left);
    const bool is_byte = test.comparison == Comparison::equal && graph_.is_constant(test.right) && place.kind == Kind::load && place.size_bytes == 1;
    return is_byte && is_carried(place, test.ip_version) ? &place : nullptr;
  }

  // A magic value whose bytes are compared one after the other. One byte alone is a type or a flag, and so are the two of TCP's
  // header length and flags.
  void add_byte_magics(std::vector<std::string>& out) const {
    const auto& tests = graph_.tests();
    std::vector<bool> is_inside(tests.size());
    // A test leads to lower ones: the first byte's comes before the others'.
    for (std::size_t i = tests.size(); i-- > 2 && out.size() < kMaxBpfMagics;) {
      const BpfValue* const first = is_inside[i] ? nullptr : carried_byte(tests[i]);
      if (first == nullptr) continue;
      Text text;
      text << "0x";
      std::size_t last = i;
      std::int64_t count = 0;
      for (std::size_t at = i; at != 0;) {
        last = at;
        is_inside[at] = true;
        const auto number = static_cast<std::size_t>(value(tests[at].right).number & 0xff);
        for (const std::size_t digit : {number >> 4, number & 0xf}) text << std::string_view("0123456789abcdef").substr(digit, 1);
        ++count;
        const std::uint32_t next = tests[at].if_true;
        const BpfValue* const byte = next > BpfGraph::kAccept ? carried_byte(tests[next]) : nullptr;
        at = byte != nullptr && byte->base == first->base && byte->number == first->number + count ? next : 0;
      }
      const std::int64_t after_ports = first->base == BpfBase::network ? first->number - kIp4Bytes : first->number;
      const bool is_header = first->base != BpfBase::payload && (after_ports == kTcpHeaderLength || after_ports == kTcpHeaderLength + 1);
      if (tests[last].if_true == BpfGraph::kReject || count < (is_header ? 3 : 2)) continue;
      put_place(text, *first);
      text << ", byte by byte";
      if (std::find(out.begin(), out.end(), text.bytes) == out.end()) out.push_back(std::move(text.bytes));
    }
  }

  static void put_place(Text& text, const BpfValue& place) {
    text << " at byte " << static_cast<std::uint64_t>(place.number)
         << (place.base == BpfBase::payload ? " of the TCP payload" : place.base == BpfBase::transport ? " after the IP header" : " of the IP packet");
  }

  bool is_magic(const BpfTest& test) const {
    return test.comparison == Comparison::equal && graph_.is_constant(test.right) && carried(test.left, test.ip_version) != nullptr;
  }

  void put_magic(Text& text, const BpfTest& test) const {
    const auto& place = *carried(test.left, test.ip_version);
    text << Hex{static_cast<std::uint64_t>(value(test.right).number)};
    if (value(test.left).kind == Kind::operation) {
      text << " (after ";
      put_value(text, test.left, test.ip_version, false);
      text << ")";
    }
    put_place(text, place);
  }

  void put_value(Text& text, std::uint32_t index, std::uint8_t ip_version, bool inner) const {
    const auto& one = value(index);
    switch (one.kind) {
      case Kind::constant: put_number(text, static_cast<std::uint64_t>(one.number)); return;
      case Kind::length: text << "length"; return;
      case Kind::header_length: text << "ip header length"; return;
      case Kind::ancillary: {
        const auto name = bpf_ancillary_name(static_cast<std::uint32_t>(one.number));
        if (name.empty()) text << "kernel[" << static_cast<std::uint64_t>(one.number - kBpfAncillaryOffset) << "]";
        else text << name;
        return;
      }
      case Kind::operation: {
        static constexpr std::string_view kSigns[] = {" + ", " - ", " * ", " / ", " | ", " & ", " << ", " >> ", "", " % ", " ^ "};
        if (inner) text << "(";
        put_value(text, one.left, ip_version, true);
        text << kSigns[one.operation >> 4];
        if (one.operation == kAnd && graph_.is_constant(one.right)) text << Hex{static_cast<std::uint64_t>(value(one.right).number)};
        else put_value(text, one.right, ip_version, true);
        if (inner) text << ")";
        return;
      }
      case Kind::load: break;
    }
    switch (one.base) {
      case BpfBase::link: text << "ether["; break;
      case BpfBase::network: text << (ip_version == 4 ? "ip[" : ip_version == 6 ? "ip6[" : "net["); break;
      case BpfBase::transport: text << "transport["; break;
      case BpfBase::payload: text << "tcp payload["; break;
      case BpfBase::computed:
        text << "packet[";
        put_value(text, one.left, ip_version, true);
        text << " + ";
        break;
    }
    text << static_cast<std::uint64_t>(one.number);
    if (one.size_bytes > 1) text << ":" << one.size_bytes;
    text << "]";
  }

  bool is_load(std::uint32_t index, BpfBase base, std::int64_t offset, std::uint8_t size_bytes) const {
    return graph_.is_load(index, base, offset, size_bytes);
  }

  struct Named {
    std::uint32_t number;
    std::string_view name;
  };

  template <std::size_t N>
  static bool put_named(Text& text, const Named (&names)[N], std::string_view otherwise, std::uint32_t number) {
    for (const auto& one : names)
      if (one.number == number) {
        text << one.name;
        return true;
      }
    text << otherwise;
    put_number(text, number);
    return true;
  }

  static bool put_ethertype(Text& text, std::uint32_t number) {
    static constexpr Named kNames[] = {{0x0800, "ip"}, {0x0806, "arp"}, {0x8035, "rarp"}, {0x86dd, "ip6"}, {0x8100, "vlan"}};
    return put_named(text, kNames, "ethertype ", number);
  }

  static bool put_protocol(Text& text, std::uint32_t number) {
    static constexpr Named kNames[] = {{1, "icmp"}, {2, "igmp"}, {6, "tcp"}, {17, "udp"}, {58, "icmp6"}, {132, "sctp"}};
    return put_named(text, kNames, "protocol ", number);
  }

  // A comparison that people have a word for; false where they have none.
  bool put_name(Text& text, const BpfTest& test) const {
    if (!graph_.is_constant(test.right)) return false;
    const auto number = static_cast<std::uint32_t>(value(test.right).number);
    const auto& left = value(test.left);
    const auto say = [&](std::string_view words) {
      text << words;
      return true;
    };
    if (is_fragment(test)) return say("later fragment");
    if (test.comparison != Comparison::equal) return false;
    if (is_magic(test)) {
      text << "magic ";
      put_magic(text, test);
      return true;
    }
    if (is_load(test.left, BpfBase::link, 12, 2)) return put_ethertype(text, number);
    if (left.kind == Kind::ancillary) {
      if (left.number == kBpfAncillaryOffset) return put_ethertype(text, number);
      // SKF_AD_PKTTYPE and PACKET_OUTGOING (include/uapi/linux/if_packet.h), SKF_AD_VLAN_TAG_PRESENT.
      if (left.number == kBpfAncillaryOffset + 4 && number == 4) return say("outgoing");
      if (left.number == kBpfAncillaryOffset + 48 && number == 1) return say("vlan tagged");
      return false;
    }
    if (const auto version = graph_.version_if_equal(test.left, test.right); version != 0) return say(version == 4 ? "ip" : "ip6");
    if (test.ip_version == 4 && is_load(test.left, BpfBase::network, 9, 1)) return put_protocol(text, number);
    if (test.ip_version == 6 && is_load(test.left, BpfBase::network, 6, 1)) return put_protocol(text, number);
    const bool source_port = is_load(test.left, BpfBase::transport, 0, 2);
    if (source_port || is_load(test.left, BpfBase::transport, 2, 2)) {
      text << (source_port ? "src port " : "dst port ") << number;
      return true;
    }
    return test.ip_version == 4 && put_host(text, test.left, number);
  }

  bool put_host(Text& text, std::uint32_t left, std::uint32_t number) const {
    const auto& one = value(left);
    const bool masked = one.kind == Kind::operation && one.operation == kAnd && graph_.is_constant(one.right);
    const auto place = masked ? one.left : left;
    const bool source = is_load(place, BpfBase::network, 12, 4);
    if (!source && !is_load(place, BpfBase::network, 16, 4)) return false;
    text << (source ? "src " : "dst ");
    put_address(text, number);
    if (!masked) return true;
    text << " mask ";
    put_address(text, static_cast<std::uint64_t>(value(one.right).number));
    return true;
  }

  bool is_fragment(const BpfTest& test) const {
    constexpr std::int64_t kFragmentOffset = 0x1fff;
    return test.comparison == Comparison::bits_set && test.ip_version == 4 && graph_.is_constant(test.right) &&
           value(test.right).number == kFragmentOffset && is_load(test.left, BpfBase::network, 6, 2);
  }

  void put_test(Text& text, std::uint32_t index, bool negated) const {
    const auto& test = graph_.tests()[index];
    const auto start = text.bytes.size();
    if (put_name(text, test)) {
      if (negated) text.bytes.insert(start, is_fragment(test) ? "no " : "not ");
      return;
    }
    static constexpr std::string_view kSigns[][2] = {{" = ", " != "}, {" > ", " <= "}, {" >= ", " < "}, {" & ", " & "}};
    const bool bits = test.comparison == Comparison::bits_set;
    put_value(text, test.left, test.ip_version, bits);
    text << kSigns[static_cast<std::size_t>(test.comparison)][negated];
    if (bits && graph_.is_constant(test.right)) text << Hex{static_cast<std::uint64_t>(value(test.right).number)};
    else put_value(text, test.right, test.ip_version, true);
    if (bits) text << (negated ? " = 0" : " != 0");
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

  std::uint32_t structured() {
    done_.assign(graph_.tests().size(), kNone);
    done_[BpfGraph::kReject] = add({Formula::Form::never, 0, false, {}});
    done_[BpfGraph::kAccept] = add({Formula::Form::always, 0, false, {}});
    if (graph_.root() > BpfGraph::kAccept) make_regions(graph_.root());
    return formula_of(graph_.root());
  }

  // What is reached in several ways is told in each of them.
  std::uint32_t formula_of(std::uint32_t index) {
    if (done_[index] != kNone) return done_[index];
    const Region region = regions_[index];
    const auto yes = formula_of(region.if_true), no = formula_of(region.if_false);
    if (region.if_false == BpfGraph::kReject) return done_[index] = both(region.condition, yes);
    if (region.if_true == BpfGraph::kAccept) return done_[index] = either(region.condition, no);
    return done_[index] = either(both(region.condition, yes), both(negation(region.condition), no));
  }

  // Ends soon after kMaxBpfWordsBytes: a formula may stand in itself more often than could be written.
  void append(Text& out, std::uint32_t index, bool inner) const {
    if (out.bytes.size() > kMaxBpfWordsBytes) return;
    const Formula& formula = formulas_[index];
    switch (formula.form) {
      case Formula::Form::always: out << "every packet"; return;
      case Formula::Form::never: out << "no packet"; return;
      case Formula::Form::test: put_test(out, formula.test, formula.negated); return;
      case Formula::Form::all_of:
      case Formula::Form::any_of: break;
    }
    const bool all = formula.form == Formula::Form::all_of;
    // `and` binds closer than `or`, so parentheses stand around an `or` inside of an `and` only.
    const bool in_parentheses = inner && !all;
    if (in_parentheses) out << "( ";
    for (const auto& part : formula.parts) {
      if (&part != formula.parts.data()) out << (all ? " and " : " or ");
      append(out, part, all);
    }
    if (in_parentheses) out << " )";
  }

  static constexpr std::uint32_t kNone = UINT32_MAX;

  const BpfGraph& graph_;
  std::vector<Formula> formulas_;
  std::vector<Region> regions_;
  std::vector<std::uint32_t> done_;  // formulas of tests; kNone: not yet
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
