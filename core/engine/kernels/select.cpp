#ifdef ESPALIER_X86_KERNELS
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "engine/kernels/kernels.h"

namespace espalier::kernels {

namespace {

#ifdef ESPALIER_X86_KERNELS
// The registers of tiles are large, so the system gives them to a process that asks.
bool may_use_tiles() {
  if (!__builtin_cpu_supports("amx-int8") || !__builtin_cpu_supports("amx-tile")) return false;
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM of asm/prctl.h
  constexpr long kTileData = 18;               // XFEATURE_XTILE_DATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}
#endif

Processor ask_processor() {
  Processor found;
#ifdef ESPALIER_X86_KERNELS
  __builtin_cpu_init();
  found.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  found.avx512 = found.avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  found.int8_dot = found.avx512 && __builtin_cpu_supports("avx512vnni");
  found.bfloat16 = found.avx512 && __builtin_cpu_supports("avx512bf16");
  found.amx = found.avx512 && may_use_tiles();
#endif
  return found;
}

#ifdef ESPALIER_X86_KERNELS
// The library's 8-bit products saturate where there is no dot product instruction; ours do not.
Table with_exact_products(Table table) {
  const Table& exact = avx2_table();
  table.multiply_int8 = exact.multiply_int8;
  table.packed_int8_bytes = exact.packed_int8_bytes;
  table.pack_int8 = exact.pack_int8;
  table.multiply_codes = exact.multiply_codes;
  table.codes_name = exact.codes_name;
  return table;
}

Table with_short_attention(Table table) {
  if (processor().bfloat16) table.attention_in_bfloat16 = attention_in_bfloat16;
  return table;
}

Table with_dots(Table table) {
  table.multiply_codes = multiply_codes_by_dots;
  table.codes_name = "avx512 vnni";
  return table;
}

Table with_tiles(Table table) {
  table.tiles = &amx_products();
  table.multiply_codes = multiply_codes_on_tiles;
  table.codes_name = "amx";
  return table;
}
#endif

}  // namespace

const Table& fastest_table() {
#ifdef ESPALIER_X86_KERNELS
  static const Table tiled = with_tiles(with_short_attention(avx512_table()));
  return processor().amx ? tiled : widest_vector_table();
#else
  return reference_table();
#endif
}

const Table& widest_vector_table() {
#ifdef ESPALIER_X86_KERNELS
  static const Table dots = with_dots(with_short_attention(avx512_table()));
  static const Table exact = with_exact_products(with_short_attention(avx512_table()));
  if (processor().avx512) return processor().int8_dot ? dots : exact;
  if (processor().avx2) return avx2_table();
#endif
  return reference_table();
}

const Processor& processor() {
  static const Processor found = ask_processor();
  return found;
}

}  // namespace espalier::kernels
