/* Random numbers by counting: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", 2011). A block of four 32-bit numbers is a function of seed and counter alone, so any thread can make any
 * block, and what comes out does not depend on which one did.
 *
 * A generator's stream is the blocks at position, position + 1, …; who draws from it advances position by the blocks
 * used. Kernels that need numbers of their own take them from another `stream` of the same seed. */
#ifndef EM_RANDOM_RNG_H
#define EM_RANDOM_RNG_H

#include "embla.h"

enum em__stream {
    EM_STREAM_DRAWS,            /* what em_rng counts through */
    EM_STREAM_WINDOWS,          /* of skip-gram, as the next; + 2^32 times the epoch */
    EM_STREAM_NEGATIVES,        /* + 0 .. 7, the attempt */
    EM_STREAM_WALKS = EM_STREAM_NEGATIVES + 8,      /* + 2^32 times the walk */
    EM_STREAM_LEVELS,           /* of an index's rows */
};

static inline void em__philox(uint64_t seed, uint64_t counter, uint64_t stream, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32), c2 = (uint32_t)stream,
             c3 = (uint32_t)(stream >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* Block `counter` of a generator: em__rng_at(rng->seed, rng->position + k, out). */
static inline void em__rng_at(uint64_t seed, uint64_t counter, uint32_t out[4])
{
    em__philox(seed, counter, EM_STREAM_DRAWS, out);
}

static inline uint64_t em__join_bits(uint32_t high, uint32_t low) { return (uint64_t)high << 32 | low; }

/* [0, 1), every value a multiple of 2^-24 or 2^-53. */
static inline float em__uniform_f32(uint32_t bits) { return (float)(bits >> 8) * 0x1p-24f; }
static inline double em__uniform_f64(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

/* 0 .. n-1 (0 stands for 2^64): the high half of bits * n. No value is likelier than another by more than n / 2^64. */
static inline uint64_t em__bounded(uint64_t bits, uint64_t n)
{
    __extension__ typedef unsigned __int128 wide;
    return n ? (uint64_t)(((wide)bits * n) >> 64) : bits;
}

#endif
