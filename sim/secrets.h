/* secrets: what all that is secret in a simulated world begins or ends with, so that one look at
 * some bytes tells whether there is a secret among them. */

#ifndef MEC_SIM_SECRETS_H
#define MEC_SIM_SECRETS_H

#define SECRETS_PASSWORD "horse-battery-" /* in each password */
#define SECRETS_ITEM     ".in-the-vault"  /* in each value that is put into a vault */
#define SECRETS_SEED     "seed-of-"       /* begins each seed that a private key grows from */
#define SECRETS_SEED_HEX "736565642d6f662d"
#define SECRETS_TOKEN    "eyJhbGci" /* begins each token, by what its header says first */

#endif
