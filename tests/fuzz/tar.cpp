// Fuzz target: a tar archive, whose members are read or skipped.
#include <cstring>

#include "fuzz.hpp"
#include "input/tar.hpp"
#include "support/scratch_file.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const cvt_test::scratch_file file;
    cvt_fuzz::require(file.write(data, size), "no file");
    cvt_fuzz::memory::begin();
    app::read_control control;
    auto archive = app::tar_reader::open(file.path(), control);
    cvt_fuzz::require(static_cast<bool>(archive), "an archive that cannot be opened");
    std::uint64_t read = 0;
    for (std::size_t members = 0;; ++members) {
        const auto member = archive->next();
        cvt_fuzz::memory::finish(size, 8);
        if (!member) return cvt_fuzz::refused(member.error());
        if (!*member) return 0;
        cvt_fuzz::require(members <= size / 512, "more members than headers");
        cvt_fuzz::require(!(*member)->name.empty() && (*member)->name.find('\0') == std::string::npos, "a member without a name");
        cvt_fuzz::memory::begin();
        if ((*member)->type != app::tar_member::kind::file || members % 3 == 2) continue;
        const auto bytes = archive->read();
        if (!bytes) return cvt_fuzz::refused(bytes.error());
        cvt_fuzz::require(bytes->size() == (*member)->size && (read += bytes->size()) <= size, "more data than the archive has");
    }
}

// Headers keep correct checksums; otherwise nothing after them is read.
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
    constexpr std::size_t block = 512, checksum = 148, digits = 6, magic = 257;
    cvt_fuzz::dice d{seed};
    if (size >= block && d.below(2) == 0) {  // a part of one header, most often the type and the length of the data
        std::uint8_t* header = data + d.below(size / block) * block;
        constexpr struct { std::size_t begin, size; } fields[] = {{0, 100}, {124, 12}, {124, 12}, {156, 1}, {156, 1}, {257, 8}, {345, 155}};
        const auto field = fields[d.below(std::size(fields))];
        if (field.size == 1)
            header[field.begin] = static_cast<std::uint8_t>("0123567xgLKSM"[d.below(13)]);
        else
            LLVMFuzzerMutate(header + field.begin, field.size, field.size);
    } else {
        size = LLVMFuzzerMutate(data, size, max_size);
    }
    for (std::size_t at = 0; at + block <= size; at += block) {
        std::uint8_t* header = data + at;
        if (std::memcmp(header + magic, "ustar", 5) != 0 || d.below(50) == 0) continue;
        unsigned sum = 0;
        for (std::size_t i = 0; i < block; ++i) sum += i >= checksum && i < checksum + 8 ? ' ' : header[i];
        for (std::size_t i = digits; i-- > 0; sum /= 8) header[checksum + i] = static_cast<std::uint8_t>('0' + sum % 8);
        header[checksum + digits] = 0;
        header[checksum + digits + 1] = ' ';
    }
    return size;
}
