"""Shapes of records that callers write, after their own header lines and documentation, at places of a given reference.

In a record `@R` is the reference base at its position and `@A`, `@B` are two others; `@L` is the reference of four bases there
and `@F` the first of them. Positions are counted from the first of the file, so that every file can be laid anywhere.
"""

from dataclasses import dataclass
from pathlib import Path

import pysam

SPACING = 120
FORMAT_GT = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
FORMAT_AD = '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Allelic depths for the ref and alt alleles">'
FORMAT_DP = '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Approximate read depth">'


@dataclass(frozen=True)
class CallerFile:
    """One caller's header lines, samples and records (columns from ID on, separated by blanks)."""

    name: str
    version: str
    lines: tuple[str, ...]
    samples: tuple[str, ...]
    records: tuple[str, ...]


MUTECT2 = CallerFile(
    "mutect2",
    "4.2",
    (
        '##FILTER=<ID=weak_evidence,Description="Mutation does not meet likelihood threshold">',
        '##FILTER=<ID=strand_bias,Description="Evidence for alt allele comes from one read direction only">',
        '##FILTER=<ID=multiallelic,Description="Site filtered because too many alt alleles pass tumor LOD">',
        '##INFO=<ID=AS_FilterStatus,Number=A,Type=String,Description="Filter status for each allele, by the Site filters">',
        '##INFO=<ID=AS_SB_TABLE,Number=1,Type=String,Description="Allele-specific forward/reverse read counts">',
        '##INFO=<ID=AS_UNIQ_ALT_READ_COUNT,Number=A,Type=Integer,Description="Number of reads with unique start">',
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="Approximate read depth">',
        '##INFO=<ID=MBQ,Number=R,Type=Integer,Description="median base quality by allele">',
        '##INFO=<ID=MPOS,Number=A,Type=Integer,Description="median distance from end of read">',
        '##INFO=<ID=POPAF,Number=A,Type=Float,Description="negative log 10 population allele frequencies of alt alleles">',
        '##INFO=<ID=RPA,Number=R,Type=Integer,Description="Number of times tandem repeat unit is repeated">',
        '##INFO=<ID=RU,Number=1,Type=String,Description="Tandem repeat unit (bases)">',
        '##INFO=<ID=STR,Number=0,Type=Flag,Description="Variant is a short tandem repeat">',
        '##INFO=<ID=TLOD,Number=A,Type=Float,Description="Log 10 likelihood ratio score of variant existing">',
        FORMAT_GT,
        FORMAT_AD,
        FORMAT_DP,
        '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Allele fractions of alternate alleles in the tumor">',
        '##FORMAT=<ID=F1R2,Number=R,Type=Integer,Description="Count of reads in F1R2 pair orientation">',
        '##FORMAT=<ID=FAD,Number=R,Type=Integer,Description="Count of fragments supporting each allele">',
        '##FORMAT=<ID=PGT,Number=1,Type=String,Description="Physical phasing haplotype information">',
        '##FORMAT=<ID=PID,Number=1,Type=String,Description="Physical phasing ID information">',
        '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phasing set">',
        '##FORMAT=<ID=SB,Number=4,Type=Integer,Description="Per-sample component statistics">',
        "##normal_sample=N-1",
        "##tumor_sample=T-1",
    ),
    ("N-1", "T-1"),
    (
        ". @R @A . PASS AS_FilterStatus=SITE;AS_SB_TABLE=20,19|8,9;DP=59;MBQ=30,31;MPOS=41;POPAF=7.30;TLOD=48.10 "
        "GT:AD:AF:DP:F1R2:FAD:SB 0/0:22,0:0.041:22:9,0:22,0:10,12,0,0 0/1:17,17:0.500:34:8,9:17,17:10,7,8,9",
        ". @R @A . weak_evidence AS_FilterStatus=weak_evidence,strand_bias;AS_SB_TABLE=31,30|1,0;DP=64;TLOD=3.01 "
        "GT:AD:AF:DP:PGT:PID:PS:SB 0|0:22,0:0.041:22:0|1:77_A_T:77:1,2,0,0 0|1:39,1:0.046:40:0|1:77_A_T:77:20,19,1,0",
        ". @R @A,@B . multiallelic AS_FilterStatus=strand_bias,weak_evidence|SITE;AS_SB_TABLE=9,9|4,0|7,6;DP=35;MBQ=30,20,31;"
        "MPOS=3,40;POPAF=7.30,2.1;TLOD=3.4,19.876543 GT:AD:AF:DP 0/0:20,0,0:0.03,0.031:20 0/1/2:18,4,13:0.11,0.37:35",
        ". @L @F . PASS AS_FilterStatus=SITE;AS_SB_TABLE=20,19|8,9;RPA=3,2;RU=AT;STR;TLOD=20.1 "
        "GT:AD:AF:DP 0/0:20,0:0.03:20 0/1:18,4:0.2:22",
        ". @R @A,* . PASS AS_FilterStatus=SITE|SITE;AS_SB_TABLE=20,19|8,9|1,1;TLOD=20.1,1.2 "
        "GT:AD:AF:DP 0/0:20,0,0:0.03,0.02:20 0/1/2:18,4,2:0.2,0.1:24",
        ". @F @L . PASS DP=7;TLOD=0.0000012345 GT:AD:AF:DP 0/0:20,0:0.03:20 0/1:18,4:0.2:22",
    ),
)

STRELKA2 = CallerFile(
    "strelka2",
    "4.1",
    (
        '##INFO=<ID=QSS,Number=1,Type=Integer,Description="Quality score for any somatic snv">',
        '##INFO=<ID=NT,Number=1,Type=String,Description="Genotype of the normal in all data tiers">',
        '##INFO=<ID=SGT,Number=1,Type=String,Description="Most likely somatic genotype excluding normal noise states">',
        '##INFO=<ID=SOMATIC,Number=0,Type=Flag,Description="Somatic mutation">',
        '##INFO=<ID=SomaticEVS,Number=1,Type=Float,Description="Somatic Empirical Variant Score">',
        '##FILTER=<ID=LowEVS,Description="Somatic Empirical Variant Score is below threshold">',
        '##FILTER=<ID=LowDepth,Description="Tumor or normal sample read depth at this locus is below 2">',
        FORMAT_DP,
        '##FORMAT=<ID=FDP,Number=1,Type=Integer,Description="Number of basecalls filtered from original read depth">',
        '##FORMAT=<ID=AU,Number=2,Type=Integer,Description="Number of A alleles used in tiers 1,2">',
        '##FORMAT=<ID=CU,Number=2,Type=Integer,Description="Number of C alleles used in tiers 1,2">',
        '##FORMAT=<ID=TAR,Number=2,Type=Integer,Description="Reads strongly supporting alternate allele for tiers 1,2">',
        '##FORMAT=<ID=TIR,Number=2,Type=Integer,Description="Reads strongly supporting indel allele for tiers 1,2">',
    ),
    ("NORMAL", "TUMOR"),
    (
        ". @R @A . PASS SOMATIC;QSS=151;NT=ref;SGT=AA->AC;SomaticEVS=19.93 DP:FDP:AU:CU 29:0:29,29:0,0 40:1:20,20:19,20",
        ". @R @A . LowEVS;LowDepth SOMATIC;QSS=1;NT=ref;SGT=AA->AC;SomaticEVS=0.00 DP:FDP:AU:CU 1:0:1,1:0,0 4:1:2,2:1,2",
        ". @L @F 3.5e+01 PASS SOMATIC;NT=ref;SGT=ref->het;SomaticEVS=1e-05 DP:TAR:TIR 29:29,29:0,0 40:20,20:19,20",
    ),
)

VARDICT = CallerFile(
    "vardict",
    "4.1",
    (
        '##INFO=<ID=STATUS,Number=1,Type=String,Description="Somatic or germline status">',
        '##INFO=<ID=TYPE,Number=1,Type=String,Description="Variant Type: SNV Insertion Deletion Complex">',
        '##INFO=<ID=END,Number=1,Type=Integer,Description="Chr End Position">',
        '##INFO=<ID=SHIFT3,Number=1,Type=Integer,Description="No. of bases to be shifted to 3 prime">',
        '##INFO=<ID=SSF,Number=1,Type=Float,Description="P-value">',
        '##INFO=<ID=SOR,Number=1,Type=Float,Description="Odds ratio">',
        '##INFO=<ID=LSEQ,Number=1,Type=String,Description="5-prime flanking seq">',
        '##FILTER=<ID=q22.5,Description="Mean Base Quality Below 22.5">',
        '##FILTER=<ID=p8,Description="Mean Position in Reads Less than 8">',
        FORMAT_GT,
        FORMAT_DP,
        '##FORMAT=<ID=VD,Number=1,Type=Integer,Description="Variant Depth">',
        '##FORMAT=<ID=ALD,Number=2,Type=Integer,Description="Variant forward, reverse reads">',
        '##FORMAT=<ID=RD,Number=2,Type=Integer,Description="Reference forward, reverse reads">',
        FORMAT_AD,
        '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Allele Frequency">',
    ),
    ("T1", "N1"),
    (
        ". @R @A 138 PASS STATUS=StrongSomatic;TYPE=SNV;END=1;SHIFT3=0;SSF=0.00000;SOR=Inf;LSEQ=AAAAACCCCC "
        "GT:DP:VD:ALD:RD:AD:AF 0/1:40:20:9,11:10,10:20,20:0.5000 0/0:30:0:0,0:14,16:30,0:0",
        ". @L @F 138 q22.5;p8 STATUS=Germline;TYPE=Deletion;END=2000;SHIFT3=2;SSF=1;SOR=0 "
        "GT:DP:VD:ALD:RD:AD:AF 1/1:40:40:19,21:0,0:0,40:1.0000 1/0:30:15:7,8:7,8:15,15:0.5",
        ". @R <DEL> 99 PASS STATUS=Deletion;TYPE=DEL;END=19999 GT:DP:VD:AD:AF 0/1:40:20:20,20:0.5 0/0:30:0:30,0:0",
    ),
)

FREEBAYES = CallerFile(
    "freebayes",
    "4.2",
    (
        '##INFO=<ID=AB,Number=A,Type=Float,Description="Allele balance at heterozygous sites">',
        '##INFO=<ID=AF,Number=A,Type=Float,Description="Estimated allele frequency in the range (0,1]">',
        '##INFO=<ID=CIGAR,Number=A,Type=String,Description="The extended CIGAR representation of each alternate allele">',
        '##INFO=<ID=TYPE,Number=A,Type=String,Description="The type of allele, either snp, mnp, ins, del, or complex.">',
        '##INFO=<ID=technology.ILLUMINA,Number=A,Type=Float,Description="Fraction of observations in reads from ILLUMINA">',
        FORMAT_GT,
        '##FORMAT=<ID=GL,Number=G,Type=Float,Description="Genotype Likelihood, log10-scaled likelihoods">',
        FORMAT_DP,
        FORMAT_AD,
        '##FORMAT=<ID=RO,Number=1,Type=Integer,Description="Reference allele observation count">',
        '##FORMAT=<ID=AO,Number=A,Type=Integer,Description="Alternate allele observation count">',
    ),
    ("normal", "tumor", "relapse"),
    (
        ". @R @A 1.23456789e-12 . AB=0.5;AF=0.25;CIGAR=1X;TYPE=snp;technology.ILLUMINA=1 "
        "GT:DP:AD:RO:AO:GL 0/0:30:30,0:30:0:0,-9.03,-108.9 0/1:40:20,20:20:20:-50.1,0,-50.1 0/1:10:5,5:5:5:-10,0,-10",
        ". @R @A,@B 50.7 . AB=0.2,0.3;AF=0.25,0.5;CIGAR=1X,1X;TYPE=snp,snp GT:DP:AD:RO:AO:GL "
        "0/0:30:30,0,0:30:0,0:0,-1,-2,-3,-4,-5 1/2:40:0,20,20:0:20,20:-9,-8,-7,-6,-5,0 .:.:.:.:.:.",
        ". @L @F 50 . CIGAR=1M3D;TYPE=del GT:DP 0/0/0/1:30 0|1:40 ./.:0",
        "rs1;rs2 @R @A 0 . TYPE=snp GT 0 1 .",
    ),
)

DEEPSOMATIC = CallerFile(
    "deepsomatic",
    "4.2",
    (
        '##FILTER=<ID=RefCall,Description="Genotyping model thinks this site is reference.">',
        '##FILTER=<ID=GERMLINE,Description="Non somatic variants">',
        '##INFO=<ID=END,Number=1,Type=Integer,Description="End position (for use with symbolic alleles)">',
        FORMAT_GT,
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Conditional genotype quality">',
        FORMAT_DP,
        '##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description="Minimum DP observed within the GVCF block.">',
        FORMAT_AD,
        '##FORMAT=<ID=VAF,Number=A,Type=Float,Description="Variant allele fractions.">',
        '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Phred-scaled genotype likelihoods">',
    ),
    ("tumor",),
    (
        ". @R @A 31.4 PASS . GT:GQ:DP:AD:VAF:PL 1/1:31:40:20,20:0.5:31,40,0",
        ". @R @A 0.3 RefCall . GT:GQ:DP:AD:VAF:PL 0/0:12:40:38,2:0.05:0,13,40",
        ". @R <*> 0 . END=4000 GT:GQ:MIN_DP:PL 0/0:50:21:0,63,629",
        ". @R @A,<*> 20 GERMLINE . GT:GQ:DP:AD:VAF:PL 0/0:9:40:20,20,0:0.5,0:9,0,20,990,990,990",
    ),
)

GVCF = CallerFile(
    "gvcf",
    "4.2",
    (
        '##ALT=<ID=NON_REF,Description="Represents any possible alternative allele">',
        '##INFO=<ID=END,Number=1,Type=Integer,Description="Stop position of the interval">',
        '##INFO=<ID=MQRankSum,Number=1,Type=Float,Description="Z-score">',
        FORMAT_GT,
        FORMAT_AD,
        FORMAT_DP,
        '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Phred-scaled genotype likelihoods">',
    ),
    ("tumor",),
    (
        ". @R <NON_REF> . . END=19000 GT:DP:PL 0/0:20:0,60,900",
        ". @R @A,<NON_REF> 77.64 . MQRankSum=-0.967 GT:AD:DP:PL 0/1:10,9,0:19:200,0,210,230,240,900",
        ". @L @F,<NON_REF> 77.64 . . GT:AD:DP 0|1:10,9,0:19",
        ". @R . 30 . . GT:DP 0/0:20",
    ),
)

BREAKENDS = CallerFile(
    "structural",
    "4.3",
    (
        '##ALT=<ID=INV,Description="Inversion">',
        '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type of structural variant">',
        '##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Difference in length between REF and ALT alleles">',
        '##INFO=<ID=CIPOS,Number=2,Type=Integer,Description="Confidence interval around POS">',
        '##INFO=<ID=MATEID,Number=.,Type=String,Description="ID of mate breakends">',
        '##INFO=<ID=END,Number=1,Type=Integer,Description="End position">',
        '##INFO=<ID=IMPRECISE,Number=0,Type=Flag,Description="Imprecise structural variation">',
    ),
    (),
    (
        "bnd_W @R @R]chr2:321681] 6 PASS SVTYPE=BND;MATEID=bnd_Y",
        "bnd_V @R ]chr1:198982]@R 6 PASS SVTYPE=BND;MATEID=bnd_U,bnd_X",
        "bnd_S @R .@R 6 PASS SVTYPE=BND",
        ". @R <INV> . . SVTYPE=INV;END=9000;IMPRECISE;CIPOS=-56,20",
        ". @R <INS> . . SVTYPE=INS;SVLEN=300",
        ". @R <DUP:TANDEM> . . SVTYPE=DUP;END=9400;SVLEN=76",
        ". @R <DEL> . . SVTYPE=DEL;SVLEN=-30",
    ),
)

NO_SAMPLES = CallerFile(
    "lofreq",
    "4.4",
    (
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="Raw Depth">',
        '##INFO=<ID=AF,Number=1,Type=Float,Description="Allele Frequency">',
        '##INFO=<ID=DP4,Number=4,Type=Integer,Description="Counts for ref-forward, ref-reverse, alt-forward, alt-reverse">',
        '##INFO=<ID=HRUN,Number=1,Type=Integer,Description="Homopolymer length to the right of report indel position">',
        '##INFO=<ID=OLD_REC,Number=1,Type=String,Description="Original variant. Format: CHR|POS|REF|ALT|USED_ALT_IDX">',
        '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from VEP. Format: Allele|Consequence">',
        '##FILTER=<ID=min_snvqual_65,Description="Minimum SNV Quality">',
    ),
    (),
    (
        ". @R @A 1234 PASS DP=40;AF=0.500000;DP4=10,10,9,11;OLD_REC=chr1|4001|GATC|CCAT,G|1",
        ". @R @A 49314 min_snvqual_65 DP=40;AF=0.025;SB=4;HRUN=2",
        ". @R @A . . CSQ=T|missense_variant,T|downstream_gene_variant&NMD_transcript_variant",
        ". @R @A . . .",
        ". @R @A . not_declared undeclared_flag;undeclared=1,2|3,x;1000G;DP=40",
    ),
)

VARSCAN = CallerFile(
    "varscan",
    "4.1",
    (
        '##INFO=<ID=SS,Number=1,Type=String,Description="Somatic status of variant">',
        '##INFO=<ID=SPV,Number=1,Type=Float,Description="Fisher Exact Test P-value">',
        '##FILTER=<ID=str10,Description="Less than 10% or more than 90% of variant supporting reads on one strand">',
        FORMAT_GT,
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Genotype Quality">',
        FORMAT_DP,
        '##FORMAT=<ID=RD,Number=1,Type=Integer,Description="Depth of reference-supporting bases (reads1)">',
        '##FORMAT=<ID=AD,Number=1,Type=Integer,Description="Depth of variant-supporting bases (reads2)">',
        '##FORMAT=<ID=FREQ,Number=1,Type=String,Description="Variant allele frequency">',
        '##FORMAT=<ID=DP4,Number=1,Type=String,Description="Strand read counts: ref/fwd, ref/rev, var/fwd, var/rev">',
    ),
    ("NORMAL", "TUMOR"),
    (
        ". @R @A . PASS SS=2;SPV=2.4E-5 GT:GQ:DP:RD:AD:FREQ:DP4 0/0:.:30:30:0:0%:14,16,0,0 0/1:.:40:20:20:50%:10,10,9,11",
        ". @R @A . str10 SS=1;SPV=1E0 GT:GQ:DP:RD:AD:FREQ:DP4 0/1:.:30:15:15:50%:8,7,8,7 0/1:.:40:20:20:50%:10,10,9,11",
    ),
)

UNDECLARED = CallerFile(
    "undeclared",
    "4.2",
    (FORMAT_GT,),
    ("tumor",),
    (
        ". @R @A . PASS X=1 GT:DP4:HP 0/1:1,2,3,4:10-1,10-2",
        ". @R @A . odd;odder . GT:AD 0|1:20,20",
        ". @R @A . . Y GT .",
    ),
)

CALLER_FILES = (
    MUTECT2,
    STRELKA2,
    VARDICT,
    FREEBAYES,
    DEEPSOMATIC,
    GVCF,
    BREAKENDS,
    NO_SAMPLES,
    VARSCAN,
    UNDECLARED,
)


def caller_text(file: CallerFile, reference: Path, contig: str = "chr1", first: int = 2000) -> str:
    """The file, its records `SPACING` bp apart from `first` (1-based) on."""
    with pysam.FastaFile(str(reference)) as fasta:
        lines = [f"##fileformat=VCFv{file.version}", *file.lines]
        lines += [f"##contig=<ID={name},length={length}>" for name, length in zip(fasta.references, fasta.lengths, strict=True)]
        columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
        lines.append("\t".join([*columns, *(["FORMAT", *file.samples] if file.samples else [])]))
        for number, text in enumerate(file.records):
            position = first + number * SPACING
            bases = fasta.fetch(contig, position - 1, position + 3).upper()
            other = [base for base in "ACGT" if base != bases[0]]
            for mark, allele in (("@R", bases[0]), ("@A", other[0]), ("@B", other[1]), ("@L", bases), ("@F", bases[0])):
                text = text.replace(mark, allele)
            lines.append("\t".join([contig, str(position), *text.split(" ")]))
    return "\n".join(lines) + "\n"
