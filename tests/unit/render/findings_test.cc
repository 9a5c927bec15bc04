#include "render/findings.h"

#include "support/catch.h"
#include "support/snapshot_builder.h"
#include "unit/render/rows.h"

using namespace ssnap;
using test::all_rows;

namespace {

model::Finding finding(std::string_view id, model::Severity severity, std::string sentence) {
  model::Finding out;
  out.id = id;
  out.severity = severity;
  out.sentence = std::move(sentence);
  return out;
}

// Without what stands above and below every view.
render::Style bare() {
  render::Style style;
  style.header = false;
  return style;
}

}  // namespace

TEST_CASE("findings stand under their severities, and nothing found is said plainly") {
  const auto snapshot = test::scene();
  model::Findings findings;
  findings.checked = {"a", "b", "c"};
  findings.findings.push_back(finding("a", model::Severity::high, "one\x1b[2J"));
  findings.findings.push_back(finding("a", model::Severity::high, "two"));
  findings.findings.back().details = {"(000) ret #0"};
  findings.findings.push_back(finding("b", model::Severity::info, "three"));
  findings.findings.back().level = model::FindingLevel::explained;
  findings.findings.back().explanation = "it is known";
  findings.findings.back().sockets = {0, 0};
  findings.findings.back().processes = {0};
  findings.findings.back().evidence = {{"proc/80/links", {}, "exe", {}, {}}, {"x.pcap", 96, "", {}, {}}};
  findings.unchecked = {{"a", "it was dark"}, {"c", "it was dark"}, {"c", "nobody knows"}};
  CHECK(render::render_findings(all_rows(snapshot), findings, bare(), false) ==
        "HIGH\n"
        "  a: one\\x1b[2J.\n"
        "  a: two.\n"
        "      (000) ret #0\n"
        "\n"
        "INFO\n"
        "  b: (explained) three.\n"
        "      explained by: it is known\n"
        "      tcp [::]:8080 LISTEN, inode 4711\n"
        "      tcp [::]:8080 LISTEN, inode 4711\n"
        "\n"
        "NO FINDING\n"
        "  c\n"
        "\n"
        "NOT LOOKED AT EVERYWHERE\n"
        "  a, c: it was dark.\n"
        "  c: nobody knows.\n");
  const auto wide = render::render_findings(all_rows(snapshot), findings, bare(), true);
  CHECK(wide.find("      python3[80] python3\n      at proc/80/links (exe)\n      at x.pcap+96\n") != std::string::npos);

  findings.findings.clear();
  findings.unchecked.clear();
  CHECK(render::render_findings(all_rows(snapshot), findings, bare(), false) == "NO FINDING\n  a, b, c\n");
  const auto whole = render::render_findings(all_rows(snapshot), findings, {}, false);
  CHECK(whole.find("\nNo finding of 3 rules, in ") != std::string::npos);
}

TEST_CASE("of many sockets the table names the first, wide all") {
  const auto snapshot = test::scene();
  model::Findings findings;
  findings.checked = {"a"};
  findings.findings.push_back(finding("a", model::Severity::low, "many"));
  findings.findings.back().sockets.assign(12, 0);
  CHECK(render::render_findings(all_rows(snapshot), findings, bare(), false).find("      and 4 more; all in --format wide\n") != std::string::npos);
  CHECK(render::render_findings(all_rows(snapshot), findings, bare(), true).find(" more;") == std::string::npos);
}

TEST_CASE("findings as CSV") {
  const auto snapshot = test::scene();
  model::Findings findings;
  findings.findings.push_back(finding("a", model::Severity::medium, "=one, \"two\"\n"));
  findings.findings.back().sockets = {0};
  findings.findings.back().processes = {0, 1};
  findings.findings.back().evidence = {{"proc/80/links", {}, "exe", {}, {}}, {"x.pcap", 96, "", {}, {}}};
  CHECK(render::render_findings_csv(all_rows(snapshot), findings, true) ==
        "id,severity,level,sentence,inodes,pids,evidence\r\n"
        "a,medium,finding,\"'=one, \"\"two\"\"\\x0a\",4711,80;81,proc/80/links;x.pcap+96\r\n");
}
