// Reference reader for safetensors files, with nlohmann's JSON reader.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "oracle.hpp"

namespace cvt_test {

/// Parses a document and refuses duplicate keys, of which nlohmann's reader keeps the last one.
inline nlohmann::json parse_strictly(std::string_view text) {
    std::vector<std::set<std::string>> keys;
    const auto watch = [&](int, nlohmann::json::parse_event_t event, nlohmann::json& value) {
        using e = nlohmann::json::parse_event_t;
        if (event == e::object_start) keys.emplace_back();
        if (event == e::object_end) keys.pop_back();
        if (event == e::key) insist(keys.back().insert(value.get<std::string>()).second, "a duplicate key");
        return true;
    };
    return nlohmann::json::parse(text, watch);
}

inline oracle_table read_safetensors_oracle(std::string_view file) {
    const std::uint64_t size = number_at(file, 0, 8);
    const nlohmann::json header = parse_strictly(part_of(file, 8, size));
    const std::string_view data = part_of(file, 8 + size, file.size() - 8 - size);
    oracle_table table;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
    for (const auto& [name, info] : header.items()) {
        if (name == "__metadata__") continue;
        oracle_tensor t;
        const std::string type = info.at("dtype");
        std::uint64_t count = 1;
        for (const auto& extent : info.at("shape")) {
            insist(extent.is_number_integer(), "an extent that is not an integer");
            t.shape.push_back(extent.get<std::int64_t>());
            insist(t.shape.back() >= 0, "a negative extent");
            count = t.shape.back() == 0 || count == 0 ? 0 : count * static_cast<std::uint64_t>(t.shape.back());
        }
        const auto begin = info.at("data_offsets").at(0).get<std::uint64_t>(), end = info.at("data_offsets").at(1).get<std::uint64_t>();
        const std::string_view bytes = part_of(data, begin, end - begin);
        const auto width = static_cast<std::uint64_t>(width_of(type));
        insist(count <= bytes.size() && bytes.size() == count * width, "a shape that does not match its bytes");
        for (std::uint64_t i = 0; i < count; ++i) t.values.push_back(element_at(bytes, i * width, type));
        ranges.emplace_back(begin, end);
        table[name] = std::move(t);
    }
    std::sort(ranges.begin(), ranges.end());
    std::uint64_t covered = 0;
    for (const auto& [begin, end] : ranges) {
        insist(begin == covered, "a gap or an overlap");
        covered = end;
    }
    insist(covered == data.size(), "bytes that belong to no tensor");
    return table;
}

}  // namespace cvt_test
