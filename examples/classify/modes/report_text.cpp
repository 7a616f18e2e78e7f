// report_text.hpp: sorts and formats.
#include "modes/report_text.hpp"

#include <algorithm>

#include "common/text.hpp"

namespace app {

std::string json_fraction(std::size_t part, std::size_t whole) {
    return whole == 0 ? "null" : text("%.6g", static_cast<double>(part) / static_cast<double>(whole));
}

std::vector<confusion> sorted_confusions(const std::map<std::pair<std::size_t, std::size_t>, std::size_t>& inputs) {
    std::vector<confusion> all;
    for (const auto& [pair, count] : inputs) all.push_back({pair.first, pair.second, count});
    std::stable_sort(all.begin(), all.end(), [](const confusion& a, const confusion& b) { return a.inputs > b.inputs; });
    return all;
}

std::string json_confusions(const std::vector<confusion>& sorted, const char* unit) {
    return json_list(sorted, [unit](const confusion& c) {
        return text("{\"expected\": %zu, \"found\": %zu, \"%s\": %zu}", c.expected, c.found, unit, c.inputs);
    });
}

std::string confusions_text(const std::vector<confusion>& sorted, std::size_t expected,
                            const std::function<std::string(std::size_t)>& name) {
    constexpr std::size_t max_shown = 3;
    std::string out;
    std::size_t shown = 0;
    for (const confusion& c : sorted)
        if (c.expected == expected && shown++ < max_shown)
            out += (shown == 1 ? "  " : ", ") + name(c.found) + ' ' + std::to_string(c.inputs);
    return out + (shown > max_shown ? ", ...\n" : "\n");
}

}  // namespace app
