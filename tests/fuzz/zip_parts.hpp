// Splits a zip file and joins it again, so that a mutated pickle is still in a readable zip.
#pragma once

#include <cvt/checkpoint/formats/torch_zip.hpp>
#include <cvt/extra/png_preflight.hpp>

#include "fuzz.hpp"

namespace cvt_fuzz {

struct zip_part {
    std::string name, data;
};

/// Returns the uncompressed entries; none if the file is not a zip.
inline std::vector<zip_part> zip_parts(std::string_view file) {
    std::vector<zip_part> parts;
    const auto source = cvt::checkpoint::byte_source::from_memory(bytes_of(file));
    cvt::checkpoint::zip_directory zip;
    if (zip.open(source)) return parts;
    for (const auto& entry : zip.entries()) {
        if (parts.size() == 64) break;
        std::size_t at = 0;
        if (!zip.locate(source, entry, at)) parts.push_back({std::string{entry.name}, std::string{file.substr(at, entry.size)}});
    }
    return parts;
}

/// Writes a zip like torch.save, or with all sizes and offsets in zip64 fields.
inline std::string zip_of(const std::vector<zip_part>& parts, bool zip64 = false) {
    std::string file, directory;
    for (const zip_part& p : parts) {
        const std::uint32_t crc = cvt::detail::png_crc({reinterpret_cast<const std::uint8_t*>(p.data.data()), p.data.size()});
        const auto size = static_cast<std::uint32_t>(p.data.size()), at = static_cast<std::uint32_t>(file.size());
        const auto name_size = static_cast<std::uint16_t>(p.name.size());
        const auto common = [&](std::string& out, bool extended) {
            append_number<std::uint16_t>(out, extended ? 45 : 20);
            for (int i = 0; i < 4; ++i) append_number<std::uint16_t>(out, 0);  // flags, method, time, date
            append_number(out, crc);
            append_number<std::uint32_t>(out, extended ? 0xFFFFFFFF : size);
            append_number<std::uint32_t>(out, extended ? 0xFFFFFFFF : size);
            append_number(out, name_size);
        };
        file += "PK\x03\x04";
        common(file, false);
        append_number<std::uint16_t>(file, 0);
        file += p.name.substr(0, name_size) + p.data;

        directory += "PK\x01\x02";
        append_number<std::uint16_t>(directory, 45);
        common(directory, zip64);
        append_number<std::uint16_t>(directory, zip64 ? 28 : 0);
        for (int i = 0; i < 3; ++i) append_number<std::uint16_t>(directory, 0);  // comment, disk, attributes
        append_number<std::uint32_t>(directory, 0);
        append_number<std::uint32_t>(directory, zip64 ? 0xFFFFFFFF : at);
        directory += p.name.substr(0, name_size);
        if (!zip64) continue;
        append_number<std::uint16_t>(directory, 1);
        append_number<std::uint16_t>(directory, 24);
        for (const std::uint64_t n : {size, size, at}) append_number(directory, n);
    }
    const std::uint64_t at = file.size();
    file += directory;
    if (zip64) {
        const std::uint64_t end = file.size();
        file += "PK\x06\x06";
        append_number<std::uint64_t>(file, 44);
        append_number<std::uint32_t>(file, 45 | 45 << 16);
        append_number<std::uint64_t>(file, 0);
        for (const std::uint64_t n : {std::uint64_t{parts.size()}, std::uint64_t{parts.size()}, std::uint64_t{directory.size()}, at})
            append_number(file, n);
        file += "PK\x06\x07";
        append_number<std::uint32_t>(file, 0);
        append_number(file, end);
        append_number<std::uint32_t>(file, 1);
    }
    file += "PK\x05\x06";
    append_number<std::uint32_t>(file, 0);
    append_number(file, static_cast<std::uint16_t>(parts.size()));
    append_number(file, static_cast<std::uint16_t>(parts.size()));
    append_number(file, static_cast<std::uint32_t>(directory.size()));
    append_number(file, static_cast<std::uint32_t>(at));
    append_number<std::uint16_t>(file, 0);
    return file;
}

inline std::string mutated_zip(std::string_view file, dice& d) {
    std::vector<zip_part> parts = zip_parts(file);
    if (parts.empty()) return {};
    std::size_t pick = d.below(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i)
        if (parts[i].name.ends_with("data.pkl") && d.below(4) != 0) pick = i;
    switch (d.below(12)) {
        case 0: parts[pick].name = mutated(std::move(parts[pick].name), 8); break;
        case 1: parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(pick)); break;
        case 2: parts.push_back(parts[pick]); break;
        default: parts[pick].data = mutated(std::move(parts[pick].data), 64); break;
    }
    return zip_of(parts, d.below(4) == 0);
}

}  // namespace cvt_fuzz
