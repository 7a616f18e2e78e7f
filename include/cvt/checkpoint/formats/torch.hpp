// Reads the table of tensors of a PyTorch checkpoint: the zip of torch.save (.bin, .pth, .pt) or the format before 1.6.
#pragma once

#include "seen_keys.hpp"
#include "torch_beside.hpp"
#include "torch_legacy.hpp"
#include "torch_paths.hpp"
#include "torch_zip.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Reads the arguments of _rebuild_tensor_v2 (storage, offset, shape, strides, ...) into `entry`, with an offset in bytes from the
/// beginning of the storage.
inline error describe_tensor(const pickle_values& values, std::uint32_t tensor, tensor_entry& entry) noexcept {
    const auto bad = [](errc code, const char* what) noexcept { return error::format(code, "%s", what); };
    const std::uint32_t arguments = values.tensor_arguments(tensor);
    const std::uint32_t offset = values.item_of(arguments, 1), shape = values.item_of(arguments, 2), strides = values.item_of(arguments, 3);
    if (values.kind(offset) != pickle_kind::integer || values.kind(shape) != pickle_kind::tuple ||
        values.kind(strides) != pickle_kind::tuple || values.count(shape) != values.count(strides))
        return bad(errc::malformed, "its offset, shape or strides are malformed");
    if (values.count(shape) > tensor_entry::max_rank) return bad(errc::unsupported, "more than 8 dimensions");
    // Metadata: {"neg": True} negates the elements; {"conj": True} conjugates complex ones.
    if (values.count(arguments) > 6 && values.count(values.item_of(arguments, 6)) != 0)
        return bad(errc::unsupported, "has metadata (such as a negation flag) that is not supported");

    const pickle_storage storage = values.storage(values.item_of(arguments, 0));
    std::int64_t last = values.integer(offset);  // index of the farthest element in the storage's view
    if (last < 0 || last > storage.view_elements) return bad(errc::malformed, "begins outside its storage");
    if (storage.type == dtype::c64 || storage.type == dtype::c128)
        return bad(errc::unsupported, storage.type == dtype::c64 ? "torch.ComplexFloatStorage" : "torch.ComplexDoubleStorage");
    entry.type = storage.type;
    entry.rank = static_cast<std::uint8_t>(values.count(shape));
    entry.offset = static_cast<std::uint64_t>(storage.view_offset + last) * size_of(storage.type);
    bool empty = false;
    for (int i = 0; i < entry.rank; ++i) {
        const std::uint32_t extent = values.item_of(shape, i), step = values.item_of(strides, i);
        if (!values.is_size(extent) || !values.is_size(step)) return bad(errc::malformed, "a size or stride is not a non-negative integer");
        entry.shape[i] = values.integer(extent);
        entry.stride[i] = values.integer(step);
        empty = empty || entry.shape[i] == 0;
    }
    std::int64_t elements = 1;  // without the extents of 0, so that tensor_entry::elements() cannot overflow before it multiplies by 0
    for (int i = 0; i < entry.rank; ++i) {
        if (entry.shape[i] == 0) continue;
        const std::int64_t steps = entry.shape[i] - 1;
        if (entry.shape[i] > INT64_MAX / elements) return bad(errc::malformed, "its number of elements overflows");
        elements *= entry.shape[i];
        if (empty || steps == 0) continue;
        if (entry.stride[i] > (storage.view_elements - last) / steps) return bad(errc::malformed, "extends past the end of its storage");
        last += steps * entry.stride[i];
    }
    if (!empty && last >= storage.view_elements) return bad(errc::malformed, "extends past the end of its storage");
    return !empty && elements_overlap(entry) ? bad(errc::unsupported, "its strides make elements overlap") : error{};
}

/// Returns the name of the class or function that the object would call, such as "torch._utils._rebuild_qtensor".
inline printable name_of_object(const pickle_values& values, std::uint32_t object) noexcept {
    std::uint32_t callee = values.item_of(object, 0);
    // A tensor that torch would rebuild: the name of its storage, whose type is not supported.
    if (const std::uint32_t storage = values.argument_of(object, 0);
        values.kind(callee) == pickle_kind::global && storage != pickle_values::nothing && values.kind(storage) == pickle_kind::object)
        callee = values.item_of(storage, 0);
    char text[2 * printable::capacity];
    if (values.kind(callee) == pickle_kind::foreign || values.kind(callee) == pickle_kind::global)
        std::snprintf(text, sizeof text, "%s.%s", printable{values.module_of(callee), 70}.text, printable{values.name_of(callee), 70}.text);
    else
        std::snprintf(text, sizeof text, "%s", to_string(values.kind(callee)));
    return printable{text};
}

/// Whether torch.load would make the object a NumPy array.
inline bool is_numpy_array(const pickle_values& values, std::uint32_t object) noexcept {
    const std::uint32_t callee = values.item_of(object, 0);
    return values.kind(callee) == pickle_kind::foreign && values.module_of(callee).starts_with("numpy") &&
           detail::same_text(values.name_of(callee), "_reconstruct");
}

/// Returns the error for a checkpoint without tensors. `array` is the path of a NumPy array in it; may be empty.
inline error no_tensors(const pickle_values& values, std::uint32_t root, const tensor_table& table, printable array) noexcept {
    if (array.text[0] != '\0')
        return error::format(errc::unsupported, "no tensors found: %s is a NumPy array: save torch.from_numpy() of each array", array.text);
    if (table.unread() != 0)
        return error::format(errc::unsupported, "no tensors found: %s: %s", printable{table.unread_name(0)}.text, table.unread_reason(0));
    if (values.kind(root) == pickle_kind::object)
        return error::format(errc::unsupported,
                             "no tensors found in an object of class %s: save model.state_dict(), which needs no classes",
                             name_of_object(values, root).text);
    if (values.kind(root) != pickle_kind::dict)
        return error::format(errc::unsupported, "expected a dictionary of tensors, found %s", to_string(values.kind(root)));
    seen_keys seen;
    for (std::uint32_t l = values.first(root); l != pickle_values::nothing; l = values.next(values.next(l)))
        if (const std::uint32_t key = values.item(l); values.kind(key) == pickle_kind::text) seen.add(values.text(key));
    return error::format(errc::unsupported, "no tensors found: no dictionary in the checkpoint contains one (keys: %s)",
                         seen.count == 0 ? "none" : seen.text);
}

/// Adds every tensor in a dictionary of `root`, under its path. `locate(storage, begin)` sets the offset of a storage. A tensor of
/// an unsupported kind is noted as unread, with the reason.
template <class Locate>
error add_tensors(const pickle_reader& values, std::uint32_t root, std::uint16_t shard, tensor_table& out, Locate&& locate) noexcept {
    const std::size_t before = out.size();
    tensor_paths paths(values, values.bytes_read());
    printable array{""};
    // A tensor takes about a hundred bytes of a pickle. Many references to one tensor must not use memory out of proportion.
    std::size_t left = values.bytes_read() / 16 + 1024;
    const auto add = [&](std::string_view path, std::uint32_t value) noexcept -> error {
        if (left-- == 0) return error::format(errc::unsupported, "the pickle refers to the same tensors too many times");
        if (values.kind(value) == pickle_kind::object) {
            if (array.text[0] == '\0' && is_numpy_array(values, value)) array = printable{path};
            const std::uint32_t callee = values.item_of(value, 0);
            const bool tensor = values.kind(callee) == pickle_kind::global ||
                                (values.kind(callee) == pickle_kind::foreign && values.module_of(callee) == "torch._utils");
            return tensor ? out.add_unread(path, name_of_object(values, value).text) : error{};
        }
        // There may be tensors beside the weights that are not supported, such as one of nine dimensions.
        tensor_entry entry{.shard = shard};
        if (error e = describe_tensor(values, value, entry))
            return e.code() == errc::unsupported ? out.add_unread(path, e.what()) : error_of(path, e.code(), e.what());
        std::uint64_t begin = 0;
        if (error e = locate(values.storage(values.item_of(values.tensor_arguments(value), 0)), begin))
            return error_of(path, e.code(), e.what());
        entry.offset += begin;
        return out.add(path, entry);
    };
    if (error e = paths.walk(root, add)) return e;
    if (out.beside()[0] == '\0') out.set_beside(beside_text(values, root).c_str());
    return out.size() == before ? no_tensors(values, root, out, array) : error{};
}

// Both readers add all tensors in the dictionaries of `file` to `out` as a new shard, each under its path (tensor_paths). The pickle
// is interpreted, never executed: see pickle_reader. They read Float, Half, BFloat16, Double and integer storages, views, shared
// storages and transposed tensors. After an error `out` may contain some of the tensors. Errors: io; out_of_memory; malformed;
// unsupported (a name that hostile files use, an opcode that is not allowed, compressed or big-endian files, no dictionary of
// tensors).

/// Reads a file of torch.save since PyTorch 1.6.
inline error read_torch_zip(byte_source&& file, tensor_table& out) noexcept {
    const result<std::uint16_t> shard = out.add_source(std::move(file));
    if (!shard) return shard.error();
    const byte_source& source = out.source(*shard);
    zip_directory zip;
    if (error e = zip.open(source)) return e;

    constexpr std::string_view ending = "/data.pkl";
    const zip_directory::entry* pickle = nullptr;
    for (const zip_directory::entry& entry : zip.entries()) {
        if (!entry.name.ends_with(ending)) continue;
        if (pickle != nullptr) return error::format(errc::malformed, "zip: two entries end in /data.pkl");
        pickle = &entry;
    }
    if (pickle == nullptr) return error::format(errc::unsupported, "zip: no entry ends in /data.pkl: not a torch.save checkpoint");
    const std::string_view prefix = detail::slice(pickle->name, 0, pickle->name.size() - ending.size());

    // Returns the entry called prefix + folder + key, or null.
    char name[zip_directory::max_name];
    const auto find = [&](std::string_view folder, std::string_view key) noexcept -> const zip_directory::entry* {
        std::size_t size = 0;
        for (const std::string_view part : {prefix, folder, key}) {
            if (part.size() > sizeof name - size) return nullptr;
            if (!part.empty()) std::memcpy(name + size, part.data(), part.size());
            size += part.size();
        }
        return zip.find({name, size});
    };

    std::uint64_t begin = 0;
    if (const zip_directory::entry* const order = find("/byteorder", {})) {
        char text[16]{};  // longer than "little", so that a longer text differs
        const std::string_view found{text, static_cast<std::size_t>(std::min<std::uint64_t>(order->size, sizeof text))};
        if (error e = zip.locate(source, *order, begin)) return e;
        if (error e = source.read(begin, found.size(), text)) return e;
        if (!detail::same_text(found, "little"))
            return error::format(errc::unsupported, "zip: byteorder: expected \"little\", found \"%s\"", printable{found}.text);
    }

    if (error e = zip.locate(source, *pickle, begin)) return e;
    pickle_reader reader(source, begin, pickle->size);
    std::uint32_t root = 0;
    if (error e = reader.load(root)) return e;
    return add_tensors(reader, root, *shard, out, [&](const pickle_storage& s, std::uint64_t& at) noexcept -> error {
        const printable shown{s.key};
        const zip_directory::entry* const data = find("/data/", s.key);
        if (data == nullptr) return error::format(errc::malformed, "its storage %s is missing from the zip", shown.text);
        if (static_cast<std::uint64_t>(s.elements) > data->size / size_of(s.type))
            return error::format(errc::malformed, "its storage %s: expected %lld elements of %zu bytes, the zip entry has %llu bytes",
                                 shown.text, static_cast<long long>(s.elements), size_of(s.type),
                                 static_cast<unsigned long long>(data->size));
        return zip.locate(source, *data, at);
    });
}

/// Reads a file of torch.save before PyTorch 1.6.
inline error read_torch_legacy(byte_source&& file, tensor_table& out) noexcept {
    const result<std::uint16_t> shard = out.add_source(std::move(file));
    if (!shard) return shard.error();
    const byte_source& source = out.source(*shard);
    pickle_reader reader(source, 0, source.size());
    legacy_storages storages;
    std::uint32_t root = 0;
    if (error e = storages.open(source, reader, root)) return e;
    return add_tensors(reader, root, *shard, out, [&](const pickle_storage& s, std::uint64_t& at) noexcept -> error {
        at = storages.locate(s.key);
        return at != 0 ? error{} : error::format(errc::malformed, "its storage %s is missing from the file", printable{s.key}.text);
    });
}

}  // namespace checkpoint
CVT_NAMESPACE_END
