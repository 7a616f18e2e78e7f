// Writes safetensors files for tests: well-formed files tensor by tensor, malformed files from a given header text.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cvt_test {

/// Joins length, header and data as given, without padding or checks.
inline std::string raw_safetensors(std::string_view header, std::string_view data = {}) {
    std::string file(8, '\0');
    const std::uint64_t length = header.size();
    std::memcpy(file.data(), &length, 8);
    return file.append(header).append(data);
}

class safetensors_writer {
public:
    /// Adds a tensor; `data` are its bytes in the file.
    void add(std::string_view name, std::string_view dtype, std::span<const std::int64_t> shape, std::string_view data) {
        std::string dims;
        for (const std::int64_t extent : shape) dims.append(dims.empty() ? "" : ",").append(std::to_string(extent));
        header_ += header_.empty() ? "{\"" : ",\"";
        header_.append(name).append("\":{\"dtype\":\"").append(dtype).append("\",\"shape\":[").append(dims);
        header_.append("],\"data_offsets\":[").append(std::to_string(data_.size())).append(",");
        header_.append(std::to_string(data_.size() + data.size())).append("]}");
        data_ += data;
    }
    void add(std::string_view name, std::span<const std::int64_t> shape, std::span<const float> values) {
        add(name, "F32", shape, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
    }

    [[nodiscard]] std::string bytes() const {
        std::string header = (header_.empty() ? "{" : header_) + "}";
        header.append((8 - header.size() % 8) % 8, ' ');
        return raw_safetensors(header, data_);
    }

private:
    std::string header_, data_;
};

inline std::span<const std::byte> as_bytes(const std::string& text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline bool write_file(const std::string& path, std::string_view content) {
    std::FILE* f = std::fopen(path.c_str(), "wb");
    if (f == nullptr) return false;
    const bool good = std::fwrite(content.data(), 1, content.size(), f) == content.size();
    return std::fclose(f) == 0 && good;
}

}  // namespace cvt_test
