// Packs a whole checkpoint into one input: config.json, preprocessor_config.json and the weights, each after its length.
#pragma once

#include <cstring>

#include "numbers.hpp"

namespace cvt_fuzz {

struct folder_parts {
    std::string config, preprocessor, weights;

    static folder_parts from(std::string_view input) {
        folder_parts parts;
        for (std::string* part : {&parts.config, &parts.preprocessor}) {
            std::uint32_t size = 0;
            if (input.size() < sizeof size) return parts;
            std::memcpy(&size, input.data(), sizeof size);
            input.remove_prefix(sizeof size);
            *part = input.substr(0, size);
            input.remove_prefix(part->size());
        }
        parts.weights = input;
        return parts;
    }
    [[nodiscard]] std::string bytes() const {
        std::string out;
        append_number(out, static_cast<std::uint32_t>(config.size()));
        out += config;
        append_number(out, static_cast<std::uint32_t>(preprocessor.size()));
        return out + preprocessor + weights;
    }
};

}  // namespace cvt_fuzz
