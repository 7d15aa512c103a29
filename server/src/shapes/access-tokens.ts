/** The shapes of the token endpoint, from RFC 6749. They describe it in `/openapi.json`; the endpoint checks its form by itself. */
import { Type } from 'typebox';
import { choice } from './parts.ts';

export const ACCESS_TOKEN_SHAPES = [
  // Other parameters are ignored (section 3.2).
  Type.Object(
    {
      grant_type: choice('GrantType', ['client_credentials']),
      client_id: Type.Optional(
        Type.String({ description: 'The SID of an API key, unless HTTP Basic has it.' }),
      ),
      client_secret: Type.Optional(
        Type.String({ description: 'The secret of the API key, unless HTTP Basic has it.' }),
      ),
      scope: Type.Optional(
        Type.String({
          description: 'Scopes of the key, with a space between them. Default: all its scopes.',
        }),
      ),
    },
    { $id: 'CreateAccessTokenRequest' },
  ),
  Type.Object(
    {
      access_token: Type.String({ description: 'For the header `Authorization: Bearer …`.' }),
      token_type: Type.String({ description: 'Always Bearer.' }),
      expires_in: Type.Integer({ description: 'Seconds.' }),
      scope: Type.String({ description: 'The scopes of the token, with a space between them.' }),
    },
    { $id: 'AccessToken' },
  ),
  Type.Object(
    {
      error: Type.String({ description: 'A word of RFC 6749, such as invalid_client.' }),
      error_description: Type.String(),
    },
    { $id: 'AccessTokenError' },
  ),
];
