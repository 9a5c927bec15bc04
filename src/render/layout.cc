#include "render/layout.h"

#include <algorithm>

#include "render/escape.h"
#include "render/in_order.h"

namespace ssnap::render {
namespace {

constexpr int kGap = 2;         // blanks between columns
constexpr int kIndent = 4;      // of the further lines of a row
constexpr int kLastWidth = 28;  // the least that the last column is wrapped to
constexpr int kHang = 2;        // of the further lines of a wrapped cell
// Tried in order when the columns don't fit: an IPv6 address with its port, shorter ones, an IPv4 address
// with its port.
constexpr int kCaps[] = {47, 32, 24, 21};

struct Place {
  int band = 0;  // line of the row
  int x = 0;
  int width = 0;
};

std::vector<Place> place_columns(const std::vector<int>& widths, std::optional<int> terminal) {
  std::vector<Place> places;
  int band = 0, x = 0;
  bool first_of_band = true;
  for (const int width : widths) {
    if (terminal && !first_of_band && x + width > *terminal) {
      ++band;
      x = kIndent;
    }
    places.push_back({band, x, width});
    x += width + kGap;
    first_of_band = false;
  }
  return places;
}

std::vector<Place> choose_places(const std::vector<int>& natural, std::optional<int> terminal) {
  std::vector<Place> best = place_columns(natural, terminal);
  if (!terminal) return best;
  if (best.back().band == 0) return best;
  best.clear();
  const auto on_first_line = [](const std::vector<Place>& places) {
    return std::count_if(places.begin(), places.end(), [](const Place& place) { return place.band == 0; });
  };
  for (const int cap : kCaps) {
    std::vector<int> capped = natural;
    for (std::size_t i = 0; i + 1 < capped.size(); ++i) capped[i] = std::min(capped[i], cap);
    auto places = place_columns(capped, terminal);
    // The fewest lines, then the most columns on the first of them, then the widest cap.
    const bool better =
        best.empty() || places.back().band < best.back().band ||
        (places.back().band == best.back().band && on_first_line(places) > on_first_line(best));
    if (better) best = std::move(places);
  }
  return best;
}

class Page {
 public:
  Page(std::vector<Place> places, std::optional<int> terminal, bool colour)
      : places_(std::move(places)), terminal_(terminal), colour_(colour) {}

  void add(const LayoutRow& row) {
    band_ = 0;
    column_ = 0;
    for (std::size_t i = 0; i + 1 < places_.size(); ++i)
      if (i < row.cells.size()) put(places_[i], row.cells[i]);
    const Place& last = places_.back();
    std::optional<int> room;
    if (terminal_) room = std::max(*terminal_ - last.x, 1);
    bool first = true;
    for (const auto& cell : row.last) {
      if (!room) {
        if (!first) break_line();
        put(last, cell);
        first = false;
        continue;
      }
      for (auto& line : wrap(cell.text, room, kHang)) {
        if (!first) break_line();
        put(last, {std::move(line), cell.tint});
        first = false;
      }
    }
    break_line();
  }

  std::string text;

 private:
  void put(const Place& place, const CellLine& cell) {
    if (cell.text.empty()) return;
    // Behind the last column comes a new line, wherever it ends.
    const bool is_last = &place == &places_.back();
    const int width = is_last && !terminal_ ? 0 : display_width(cell.text);
    int x = place.x;
    if (band_ != place.band || (column_ != 0 && column_ + kGap > x)) {
      if (column_ != 0) break_line();
      band_ = place.band;
    }
    // Too wide to end here, but a line of its own may hold it.
    if (terminal_ && width > place.width && x > kIndent && x + width > *terminal_) {
      if (column_ != 0) break_line();
      x = kIndent;
    }
    text.append(static_cast<std::size_t>(x - column_), ' ');
    const bool tinted = colour_ && cell.tint != Tint::none;
    if (tinted) text += cell.tint == Tint::bold ? "\x1b[1m" : "\x1b[2m";
    text += cell.text;
    if (tinted) text += "\x1b[0m";
    column_ = x + width;
  }

  void break_line() {
    text += '\n';
    column_ = 0;
  }

  std::vector<Place> places_;
  std::optional<int> terminal_;
  bool colour_;
  int band_ = 0;
  int column_ = 0;
};

}  // namespace

std::vector<std::string> wrap(std::string_view text, std::optional<int> width, int hang) {
  if (!width || display_width(text) <= *width) return {std::string(text)};
  std::vector<std::string> lines;
  std::string line;
  int used = 0;
  bool has_word = false;
  for (std::size_t at = 0; at < text.size();) {
    // A word with the blanks before it, which stay unless the line is broken there.
    const std::size_t begin = std::min(text.find_first_not_of(' ', at), text.size());
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const int blanks = static_cast<int>(begin - at), columns = display_width(word);
    if (has_word && used + blanks + columns > *width) {
      lines.push_back(std::move(line));
      line.assign(static_cast<std::size_t>(hang), ' ');
      line += word;
      used = hang + columns;
    } else {
      line += text.substr(at, end - at);
      used += blanks + columns;
    }
    // The mark before a further owner is no word: nothing may be broken between it and the name.
    has_word = has_word || word != "\u2514";
    at = end;
  }
  lines.push_back(std::move(line));
  return lines;
}

void lay_out(const std::vector<std::string_view>& titles, std::size_t rows, const RowMaker& make, bool header,
             std::optional<int> width, bool colour, const Sink& sink) {
  LayoutRow head;
  std::vector<int> natural;
  for (const auto title : titles) {
    natural.push_back(header ? display_width(title) : 0);
    if (natural.size() < titles.size())
      head.cells.push_back({std::string(title)});
    else
      head.last.push_back({std::string(title)});
  }
  const auto measure = [&](std::size_t begin, std::size_t end) {
    std::vector<int> widths(natural.size());
    for (std::size_t at = begin; at < end; ++at) {
      // What the last column may take only a terminal limits.
      const LayoutRow row = make(at, width.has_value());
      for (std::size_t i = 0; i < row.cells.size() && i + 1 < widths.size(); ++i)
        widths[i] = std::max(widths[i], display_width(row.cells[i].text));
      for (const auto& line : row.last) widths.back() = std::max(widths.back(), display_width(line.text));
    }
    return widths;
  };
  in_order(rows, measure, [&](const std::vector<int>& widths) {
    for (std::size_t i = 0; i < widths.size(); ++i) natural[i] = std::max(natural[i], widths[i]);
  });
  if (width) natural.back() = std::min(natural.back(), kLastWidth);

  const auto places = choose_places(natural, width);
  if (header) {
    Page page(places, width, colour);
    page.add(head);
    sink(page.text);
  }
  const auto write = [&](std::size_t begin, std::size_t end) {
    Page page(places, width, colour);
    for (std::size_t at = begin; at < end; ++at) page.add(make(at, true));
    return std::move(page.text);
  };
  in_order(rows, write, sink);
}

std::string lay_out(const std::vector<std::string_view>& titles, const std::vector<LayoutRow>& rows,
                    bool header, std::optional<int> width, bool colour) {
  return collect([&](const Sink& sink) {
    lay_out(titles, rows.size(), [&](std::size_t at, bool) { return rows[at]; }, header, width, colour, sink);
  });
}

}  // namespace ssnap::render
