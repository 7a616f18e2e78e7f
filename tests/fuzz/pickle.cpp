// Fuzz target: consecutive pickles, with a walk over all their values and one over their tensors.
#include <cvt/checkpoint/formats/pickle.hpp>
#include <cvt/checkpoint/formats/torch_paths.hpp>

#include "fuzz.hpp"

namespace {

/// Calls each accessor that fits the value.
std::size_t walk(const cvt::checkpoint::pickle_values& values) {
    using cvt::checkpoint::pickle_kind;
    std::size_t seen = 0;
    for (std::uint32_t v = 0; v < values.size(); ++v) {
        const pickle_kind kind = values.kind(v);
        if (kind == pickle_kind::text || kind == pickle_kind::bytes || kind == pickle_kind::big_integer)
            for (const char c : values.text(v)) seen += static_cast<unsigned char>(c);
        if (kind == pickle_kind::tuple || kind == pickle_kind::list || kind == pickle_kind::dict || kind == pickle_kind::object) {
            std::int64_t left = values.count(v);
            for (std::uint32_t l = values.first(v); l != values.nothing; l = values.next(l), --left)
                cvt_fuzz::require(values.item(l) < values.size(), "an item that is not a value");
            cvt_fuzz::require(left == 0, "a container whose length differs from its count");
        }
        if (kind == pickle_kind::foreign) seen += values.module_of(v).size() + values.name_of(v).size();
        if (kind == pickle_kind::object) cvt_fuzz::require(values.count(v) >= 2, "an object without arguments");
        if (kind == pickle_kind::global) seen += values.global(v).name.size();
        if (kind == pickle_kind::storage) {
            const cvt::checkpoint::pickle_storage s = values.storage(v);
            cvt_fuzz::require(s.elements >= 0 && s.view_offset >= 0 && s.view_elements <= s.elements - s.view_offset,
                              "a view outside its storage");
        }
        if (kind == pickle_kind::tensor)
            cvt_fuzz::require(values.kind(values.item_of(values.tensor_arguments(v), 0)) == pickle_kind::storage,
                              "a tensor without a storage");
    }
    return seen;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto source = cvt::checkpoint::byte_source::from_memory(cvt_fuzz::bytes_of(cvt_fuzz::text_of(data, size)));
    cvt_fuzz::memory::begin();
    cvt::checkpoint::pickle_reader reader(source, 0, size);
    std::uint32_t root = 0;
    cvt::error e;
    std::uint64_t before = 0;
    do {
        before = reader.position();
        e = reader.load(root);
        cvt_fuzz::require(reader.position() <= size, "a pickle longer than its file");
        cvt_fuzz::require(e || (root < reader.size() && reader.position() > before), "a pickle without a value");
    } while (!e);
    cvt_fuzz::memory::finish(size, 96);
    walk(reader);
    if (reader.size() == 0) return cvt_fuzz::refused(e);
    cvt_fuzz::memory::begin();
    const cvt::error walked =
        cvt::checkpoint::tensor_paths(reader, size)
            .walk(static_cast<std::uint32_t>(reader.size() - 1), [&](std::string_view path, std::uint32_t v) noexcept -> cvt::error {
                cvt_fuzz::require(path.size() <= cvt::checkpoint::tensor_paths::max_path && v < reader.size(), "a path without a value");
                return {};
            });
    cvt_fuzz::memory::finish(size, 96);
    if (walked) cvt_fuzz::refused(walked);
    return cvt_fuzz::refused(e);
}
